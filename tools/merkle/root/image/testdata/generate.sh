#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: generate.sh ROOT-OBJECT
#
# Compresses a root object (`modhash tree --root-object`) in each of the ways in which the kernel's Makefiles
# compress vmlinux (scripts/Makefile.lib, scripts/xz_wrap.sh), the size behind it. The test makes boot images of
# these files.
set -euo pipefail
cd "$(dirname "$0")"
cp "$1" kernel.elf

# with_size COMMAND...: what the command makes of the kernel, and the kernel's size in little endian.
with_size() {
    "$@" <kernel.elf
    python3 -c 'import os, sys; sys.stdout.buffer.write(os.stat("kernel.elf").st_size.to_bytes(4, "little"))'
}

gzip -n -f -9 <kernel.elf >kernel.gzip
with_size xz --check=crc32 --threads=1 --x86 --lzma2=dict=128MiB >kernel.xz
with_size zstd -22 --ultra >kernel.zstd
with_size lz4 -l -9 - - >kernel.lz4
with_size bzip2 -9 >kernel.bzip2
with_size xz --format=lzma -9 >kernel.lzma
