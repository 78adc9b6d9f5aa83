#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: flip.sh IMAGE OUT
# Copies a module image with one bit flipped in nls_ascii.ko: in its description, which the kernel does not read.
set -eu
text='description=NLS ASCII'
offset=$(LC_ALL=C grep --byte-offset --only-matching --text "$text" "$1" | cut -d : -f 1)
cp "$1" "$2"
chmod u+w "$2"
# The small letter becomes a capital one.
printf D | dd of="$2" bs=1 seek="${offset:?}" conv=notrunc status=none
