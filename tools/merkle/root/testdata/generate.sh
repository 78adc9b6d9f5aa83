#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: generate.sh
#
# Compresses image.bin, which is imagetest.ARM64ImageOf with the root and the release of TestCompressions, in each of the
# ways in which the kernel's Makefiles compress an Image (arch/arm64/boot/Makefile, scripts/Makefile.lib), xz with a smaller
# dictionary, for speed.
set -euo pipefail
cd "$(dirname "$0")"
gzip -n -f -9 <image.bin >image.gzip
xz --check=crc32 --threads=1 --lzma2=dict=1MiB <image.bin >image.xz
zstd -22 --ultra <image.bin >image.zstd
lz4 -l -9 - - <image.bin >image.lz4
bzip2 -9 <image.bin >image.bzip2
xz --format=lzma -9 <image.bin >image.lzma
