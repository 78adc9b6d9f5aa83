#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: bench/gazelle.sh SOURCE CONFIG [COUNT]
#
# How long the extension of Gazelle takes over a whole kernel source tree SOURCE, with the .config CONFIG, and
# where the time goes:
#
#   kernel   a repository that holds the tree and a kernel_build: the list of its modules
#   modules  the same tree as one of out-of-tree modules: a kernel_module each, with srcs, hdrs and deps
#
# Each runs COUNT times (default 3), after one run that warms the page cache. Nothing is written to SOURCE.
set -euo pipefail
export LC_ALL=C

if [[ $# -lt 2 || $# -gt 3 || ! -d $1 || ! -f $2 ]]; then
    sed -n '4s/^# //p' "$0" >&2
    exit 2
fi
source=$(realpath -- "$1") config=$(realpath -- "$2") count=${3:-3}
work=$(mktemp -d "${OUT:-$(dirname -- "$source")}/gazelle-bench.XXXXXX")
trap 'rm -rf -- "$work"' EXIT

# tree DIR: a copy of the source tree, of links where that is possible.
tree() { cp -al -- "$source" "$1" 2>/dev/null || cp -r -- "$source" "$1"; }

mkdir "$work/kernel"
tree "$work/kernel/linux"
cat >"$work/kernel/BUILD.bazel" <<'BUILD'
load("@rules_modhash//rules:defs.bzl", "kernel_build")

# gazelle:modhash_kernel_source linux

kernel_build(
    name = "kernel",
    config = "config",
)
BUILD

# A tree without this file is not seen as a kernel's.
tree "$work/modules"
rm "$work/modules/Kconfig"
echo '# gazelle:modhash_kernel //kernel' >"$work/modules/BUILD.bazel"

cd "$(dirname -- "$0")/.."
go test -c -o "$work/test" ./tools/gazelle/modhash
# run NAME COUNT
run() {
    "$work/test" -test.run='^$' -test.bench=Gazelle -test.benchtime="$2x" -repository="$work/$1" \
        -source="$source" -config="$config" 2>"$work/log" | grep '^Benchmark'
}
for name in kernel modules; do
    run "$name" 1 >"$work/warm"
    echo "== $name"
    run "$name" "$count"
    echo "$(($(wc -l <"$work/log") / count)) lines of what could not be decided or resolved"
done
