#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: base_file_test.sh KBUILD SOURCE BASE-FILE FRAGMENT
#
# Configures a kernel of Debian in a PATH where programs are missing. An option that needs one is an error that names both,
# unless a fragment sets it off.
set -eu
kbuild=$PWD/$1 source=$2 base=$3 fragment=$4
failed=0

fail() {
    echo "FAIL $*"
    failed=1
}

# configure NAME PATH FRAGMENT... writes NAME.config, and what is printed to NAME.log.
configure() {
    name=$TEST_TMPDIR/$1 path=$2
    shift 2
    for file; do set -- "$@" --fragment "$file" && shift; done
    PATH=$path "$kbuild" config --jobs=2 --label //k:config --machine x86_64 --source "$source" --base-file "$base" --out "$name.config" \
        --fragment "$fragment" "$@" >"$name.log" 2>&1
}

# expect NAME LINE...: the log has each line, or a part of one.
expect() {
    log=$TEST_TMPDIR/$1.log
    shift
    for line; do
        grep -qF -e "$line" "$log" || { fail "not printed: $line" && cat "$log"; }
    done
}

# programs NAME: a directory of links to all programs of this machine.
programs() {
    mkdir "$TEST_TMPDIR/$1"
    for directory in /usr/sbin /usr/bin; do ln -sf "$directory"/* "$TEST_TMPDIR/$1"; done
}

programs no_library
rm -f "$TEST_TMPDIR/no_library/rustc"
cat >"$TEST_TMPDIR/no_library/rustc" <<'RUSTC'
#!/bin/sh
case " $* " in
    *' --print sysroot '*) echo /nonexistent ;;
    *) exec /usr/bin/rustc "$@" ;;
esac
RUSTC
chmod +x "$TEST_TMPDIR/no_library/rustc"
if configure library "$TEST_TMPDIR/no_library"; then fail 'got no error without the source of the library'; fi
expect library 'kbuild config: //k:config: ' 'are lost, because they need Rust: CONFIG_RUST, ' \
    "make rustavailable: Source code for the 'core' standard library could not be found at" \
    'or do without: write "# CONFIG_RUST is not set" to a fragment'

programs no_pahole
rm "$TEST_TMPDIR/no_pahole/pahole"
if configure pahole "$TEST_TMPDIR/no_pahole"; then fail 'got no error without pahole'; fi
expect pahole 'are lost, because they need pahole: CONFIG_DEBUG_INFO_BTF, ' "got no pahole in PATH=$TEST_TMPDIR/no_pahole" \
    'Next: add pahole (packages of Debian)'
[ ! -e "$TEST_TMPDIR/pahole.config" ] || fail 'an error left a configuration'

rm "$TEST_TMPDIR/no_pahole/rustc"
printf '# CONFIG_%s is not set\n' RUST DEBUG_INFO_BTF >"$TEST_TMPDIR/without"
configure without "$TEST_TMPDIR/no_pahole" "$TEST_TMPDIR/without" || { fail 'the fragment does without' && cat "$TEST_TMPDIR/without.log"; }
expect without 'because the programs of the toolchain are other ones ('
if grep -E 'CONFIG_(RUST|DEBUG_INFO_BTF)(,|$)' "$TEST_TMPDIR/without.log"; then fail 'an option that a fragment sets off is reported'; fi
modules=$(grep -c '=m$' "$base")
[ "$(grep -c '=m$' "$TEST_TMPDIR/without.config")" = "$modules" ] || fail "want the $modules options =m of the base"

exit "$failed"
