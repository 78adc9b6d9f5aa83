#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares what package kbuild reads from a kernel source tree with what Kbuild itself builds.
#
#   check.sh SOURCE OUT [FRAGMENT]
#
# SOURCE is a clean Linux source tree, 6.1 or later. OUT is a directory for the object trees of
# three configurations, made by Kconfig: tinyconfig with FRAGMENT merged in (left out without
# FRAGMENT), defconfig and allmodconfig. Nothing is compiled: root.mk and ask.mk have Kbuild
# evaluate each directory and write its modules.order, about a minute for allmodconfig. It
# needs what `make olddefconfig` needs, and Go. Set ARCH for another architecture than
# x86_64, CROSS_COMPILE if its compiler is there.
#
# Prints precision and recall of modules, and of composite modules with all their parts, each
# difference, whether the order is the same, and what could not be decided. Fails if precision
# or recall is below 99.5 % anywhere.

set -eu

if [ $# -lt 2 ]; then
	echo "usage: $0 SOURCE OUT [FRAGMENT]" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
fragment=${3:+$(cd "$(dirname "$3")" && pwd)/$(basename "$3")}

export ARCH="${ARCH:-x86_64}" LC_ALL=C
case $ARCH in
i386 | x86_64) srcarch=x86 ;;
sparc32 | sparc64) srcarch=sparc ;;
parisc64) srcarch=parisc ;;
*) srcarch=$ARCH ;;
esac

# configure NAME: makes OUT/NAME/.config.
configure() {
	o=$out/$1
	mkdir -p "$o"
	if [ "$1" = fragment ]; then
		make -s -C "$source" O="$o" tinyconfig >/dev/null
		"$source/scripts/kconfig/merge_config.sh" -m -O "$o" "$o/.config" "$fragment" >/dev/null
	else
		make -s -C "$source" O="$o" "$1" >/dev/null
	fi
	make -s -C "$source" O="$o" olddefconfig
}

# ask NAME: has Kbuild write OUT/NAME/modules.order and modhash.parts.
ask() {
	o=$out/$1
	find "$o" -name modules.order -delete
	rm -f "$o/modhash.parts"
	make -j"$(nproc)" -C "$source" O="$o" ASK="$here/ask.mk" MAKEFILES="$here/root.mk" \
		build="-f $here/ask.mk obj" KBUILD_MODULES=y modhash-ask >"$o/ask.log" 2>&1 || {
		tail "$o/ask.log" >&2
		exit 1
	}
	touch "$o/modhash.parts"
}

failed=
for name in ${fragment:+fragment} defconfig allmodconfig; do
	configure "$name"
	ask "$name"
	echo "== $ARCH $name"
	(cd "$here" && go run . -v -source "$source" -arch "$srcarch" -config "$out/$name/.config" \
		-order "$out/$name/modules.order" -parts "$out/$name/modhash.parts") || failed=yes
done
test -z "$failed"
