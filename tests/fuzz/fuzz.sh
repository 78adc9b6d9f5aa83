#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the fuzz tests of all Go packages, one after the other: `./bazelw run //tests/fuzz -- --help`.
set -euo pipefail
export PATH=$PATH:/usr/lib/go-1.26/bin GOTOOLCHAIN=local CGO_ENABLED=0

help() {
    cat <<EOF
usage: ./bazelw run //tests/fuzz -- [--time TIME] [--corpus DIR] [--only REGEXP]

Runs all fuzz tests, each for an equal part of TIME, with all CPUs. An input that fails a test is written to
testdata/fuzz beside the test, where \`go test\` runs it from then on: fix the fault, and commit both.

  --time TIME      how long in all: a number with s, m or h (default 1h)
  --corpus DIR     keeps inputs that reach new code, for the next run (default: in the cache of Go)
  --only REGEXP    only the tests whose PACKAGE.NAME matches, such as 'merkle/trailer.FuzzSplit'
EOF
}

die() {
    echo "fuzz: $*" >&2
    exit 2
}

# seconds TIME
seconds() {
    [[ $1 =~ ^([1-9][0-9]{0,5})([smh])$ ]] || die "--time: got $1, want a number with s, m or h, such as 90m"
    case ${BASH_REMATCH[2]} in
        s) echo "${BASH_REMATCH[1]}" ;;
        m) echo $((BASH_REMATCH[1] * 60)) ;;
        h) echo $((BASH_REMATCH[1] * 3600)) ;;
    esac
}

# targets prints a line PACKAGE NAME for each fuzz test.
targets() {
    go test -json -list '^Fuzz' ./... | sed -nE 's/.*"Package":"([^"]*)","Output":"(Fuzz[^"\\]*)\\n".*/\1 \2/p' |
        while read -r package name; do
            if [[ $package.$name =~ $only ]]; then echo "$package $name"; fi
        done
}

# fuzz PACKAGE NAME SECONDS
fuzz() {
    local kept=()
    [[ -z $corpus ]] || kept=(-test.fuzzcachedir="$corpus/$1")
    echo "== $1.$2: $3 s"
    go test -run '^$' -fuzz "^$2\$" -fuzztime "${3}s" "$1" "${kept[@]}" | grep -v '^fuzz: elapsed: .*gathering'
}

budget=1h corpus='' only=''
while [[ $# != 0 ]]; do
    case $1 in
        --help) help && exit ;;
        --time | --corpus | --only) [[ $# -ge 2 ]] || die "$1: want a value" ;;&
        --time) budget=$2 ;;
        --corpus) corpus=$(realpath -m "${BUILD_WORKING_DIRECTORY:-.}/$2") ;;
        --only) only=$2 ;;
        *) die "got $1. Next: see --help" ;;
    esac
    shift 2
done
budget=$(seconds "$budget")
cd "${BUILD_WORKSPACE_DIRECTORY:-$(dirname "$0")/../..}"
command -v go >/dev/null || die "no Go in PATH. Next: run it by ./bazelw"

mapfile -t all < <(targets)
[[ ${#all[@]} != 0 ]] || die "--only: no fuzz test matches $only"
each=$((budget / ${#all[@]}))
[[ $each != 0 ]] || die "--time: got $budget s for ${#all[@]} tests, want a second for each at least"
failed=()
for target in "${all[@]}"; do
    # shellcheck disable=SC2086 # package and name
    fuzz $target $each || failed+=("$target")
done
echo "${#all[@]} fuzz tests ran for $each s each, ${#failed[@]} failed"
if [[ ${#failed[@]} != 0 ]]; then
    printf '  %s\n' "${failed[@]}"
    echo "Next: run go test in these packages, which reads the inputs in testdata/fuzz"
    exit 1
fi
