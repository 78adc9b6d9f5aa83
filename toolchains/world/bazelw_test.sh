#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests decisions and messages of bazelw. Each build in a world tests its creation.
set -uo pipefail
bazelw=$(readlink -f "$1")
failures=0

# expect NAME STATUS TEXT COMMAND...: COMMAND exits with STATUS and prints TEXT.
expect() {
    local name=$1 status=$2 text=$3 got output
    shift 3
    output=$("$@" 2>&1)
    got=$?
    if [[ $got != "$status" || $output != *"$text"* ]]; then
        printf 'FAIL %s: got exit %s and:\n%s\nwant exit %s and: %s\n' "$name" "$got" "$output" "$status" "$text"
        failures=$((failures + 1))
    fi
}

path=$TEST_TMPDIR/path
mkdir -p "$path" "$TEST_TMPDIR/home"
for tool in awk bash env cat cut dirname id paste readlink sed sha256sum uniq; do ln -sf "$(command -v $tool)" "$path/$tool"; done
run() { env -i HOME="$TEST_TMPDIR/home" PATH="$path" "$@"; }

expect 'help' 0 'usage: ./bazelw BAZEL-ARGUMENTS' run "$bazelw" --help-world
expect 'image without a name' 1 '--world-image: want one argument, the name of the archive to write' run "$bazelw" --world-image
expect 'image in place of a directory' 1 'is a directory, want the name of the archive to write' run "$bazelw" --world-image "$TEST_TMPDIR"
expect 'machines without a name' 1 '--add-machines: want at least one argument, some of: ppc64le riscv64 s390x' run "$bazelw" --add-machines
expect 'unknown choice' 1 "BAZELW: got 'sometimes', want auto, system or world" run BAZELW=sometimes "$bazelw" build
expect 'no Bazel in PATH' 1 'BAZELW=system: got no bazel or bazelisk in PATH, want one' run BAZELW=system "$bazelw" build

# From here on, PATH has a stub of Bazel that prints its arguments.
printf '#!/bin/bash\necho "called with:" "$@"\nexit 7\n' >"$path/bazel"
chmod +x "$path/bazel"
expect 'arguments and exit code pass through' 7 'called with: test //a:b --c=d e' \
    run BAZELW=system "$bazelw" test //a:b --c=d e

expect 'machines without a world' 1 'not a world. Next: install QEMU here' \
    run BAZELW=system "$bazelw" --add-machines riscv64

[[ $failures == 0 ]] && echo "all cases passed"
exit "$failures"
