#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: sources_test.sh SOURCES PATCH...
#
# Applies each series of patches, in order and without fuzz, to each kernel source of its version. SOURCES has a line
# `NAME VERSION SUITE FILE` for each source, separated by tabs, with FILE in the same directory. It unpacks only the
# files that the patches change.
set -eu
sources=$1
shift

# patches_of SERIES PATCH... prints the patches in the directory of the series.
patches_of() {
    directory=/$1/
    shift
    for patch; do case $patch in *"$directory"*) echo "$PWD/$patch" ;; esac done
}

# unpack ARCHIVE TREE PATCHES unpacks the files that the patches change. tar reports files that they add as not found.
# If any other file is missing, a patch does not apply.
unpack() {
    # shellcheck disable=SC2046 # one word a patch
    sed -n 's:^diff --git a/\([^ ]*\) .*:*/\1:p' $(cat "$3") | sort -u >"$2.members"
    mkdir "$2"
    tar --extract --file "$1" --directory "$2" --strip-components=1 --anchored --wildcards --no-wildcards-match-slash \
        --files-from "$2.members" 2>"$2.not_found" || true
}

# apply TREE PATCHES fails at the first patch that does not apply. It prints that patch, and hunks with an offset.
apply() {
    while read -r patch; do
        name=$(basename "$patch" .patch)
        if ! (cd "$1" && patch --strip=1 --fuzz=0 --no-backup-if-mismatch --batch --forward --input="$patch") >"$1.log" 2>&1; then
            echo "    $name does not apply:" && cat "$1.log"
            return 1
        fi
        sed -n "s/^Hunk.*(offset.*/    ${name%%-*}: &/p" "$1.log"
    done <"$2"
}

# try NAME VERSION SUITE ARCHIVE PATCH... fails if a patch does not apply.
try() {
    source="$1 $2 ($3)" series=${1#linux-source-} tree=$TEST_TMPDIR/$1_$2 archive=$4
    shift 4
    patches_of "$series" "$@" >"$tree.patches"
    if [ ! -s "$tree.patches" ]; then
        echo "$source: no series for $series"
        return
    fi
    unpack "$archive" "$tree" "$tree.patches"
    if apply "$tree" "$tree.patches" >"$tree.report"; then
        echo "$source: $(wc -l <"$tree.patches") patches apply"
    else
        echo "$source: FAILED"
        : >"$TEST_TMPDIR/failed"
    fi
    cat "$tree.report"
}

while IFS='	' read -r name version suite file; do
    try "$name" "$version" "$suite" "$(dirname "$sources")/$file" "$@" >"$TEST_TMPDIR/result_${name}_$version" &
done <"$sources"
wait
cat "$TEST_TMPDIR"/result_* 2>/dev/null || true
if ! grep -qs 'patches apply' "$TEST_TMPDIR"/result_*; then
    echo "No source to apply a series to. Next: run the test in a world of ./bazelw (BAZELW=world), which keeps sources"
    exit 1
fi
[ ! -e "$TEST_TMPDIR/failed" ]
