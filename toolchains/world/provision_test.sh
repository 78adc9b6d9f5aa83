#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: provision_test.sh PROVISION
#
# Checks which kernel sources, configurations and notes provision.sh keeps, with stubs of apt: $available has a line
# `SUITE NAME VERSION` for each package in the archive, $missing the suites and packages that cannot be downloaded.
set -uo pipefail
provision=$1
failures=0
export available=$TEST_TMPDIR/available missing=$TEST_TMPDIR/missing
stubs=$TEST_TMPDIR/bin
mkdir "$stubs"

cat >"$stubs/apt-cache" <<'STUB'
#!/bin/bash
suites=forky
for word; do case $word in Dir::Etc::sourcelist=*) suites=$(cut -d ' ' -f 3 "${word#*=}" | grep -vxf "$missing") ;; esac done
# packages [NAME...]: the packages of the suites.
packages() {
    awk -v suites="$suites" -v names="$*" '
        BEGIN { split(suites, words); for (i in words) suite[words[i]]; split(names, words); for (i in words) name[words[i]] }
        $1 in suite && (names == "" || $2 in name)' "$available"
}
case " $* " in
    *' pkgnames '*) packages | cut -d ' ' -f 2 | sort -u ;;
    *' madison '*) packages "${@#*madison}" | awk '{ print " " $2 " | " $3 " | http://archive " $1 "/main amd64 Packages" }' ;;
    *' depends '*) echo '  Depends: linux-image-1-amd64' ;;
esac
STUB
cat >"$stubs/apt-get" <<'STUB'
#!/bin/bash
for word; do case $word in Dir::Etc::sourcelist=*) suite=$(cut -d ' ' -f 3 "${word#*=}") ;; esac done
case " $* " in
    *' update '*) ! grep -qx "$suite" "$missing" ;;
    *' indextargets '*) echo http://archive ;;
    *' download '*) ! grep -qx "${!#}" "$missing" && echo "${!#}" >"${!#%%=*}_1_all.deb" ;;
esac
STUB
cat >"$stubs/dpkg-deb" <<'STUB'
#!/bin/bash
[[ $1 == --fsys-tarfile ]] || { echo "$(basename "$2" | cut -d _ -f 1)"; exit; }
name=$(cut -d = -f 1 "$2") files=$(mktemp -d)
mkdir -p "$files/usr/src"
case $name in
    linux-config-*)
        mkdir "$files/usr/src/$name"
        cut -d _ -f 1 "$2" | xz >"$files/usr/src/$name/config.amd64_none_cloud-amd64.xz"
        ;;
    *) cp "$2" "$files/usr/src/$name.tar.xz" ;;
esac
tar --create --directory "$files" .
STUB
chmod +x "$stubs"/*

# expect NAME STATUS MESSAGE WANT: provision.sh exits with STATUS, prints MESSAGE, and keeps sources and notes WANT.
expect() {
    local name=$1 status=$2 message=$3 want=$4 root=$TEST_TMPDIR/root output got kept
    rm -rf "$root" && mkdir "$root"
    # Run the script up to the manifest, with another root.
    sed -e "s:^etc=:etc=$root:; s:^archives=:archives=$root:; /^# ---- The manifest/,\$d" \
        -e "s#^trap .*#trap 'cat \"\$work/notes\" \"\$work/archives\" >$root/kept 2>/dev/null || :' EXIT#" "$provision" >"$root/provision.sh"
    output=$(PATH=$stubs:$PATH WORLD_SUITE=forky WORLD_SERIES='7.2 7.3' sh "$root/provision.sh" 2>&1)
    got=$?
    kept=$(grep -v linux-modules "$root/kept" | awk -F '\t' '{ print $1, $2, $3, $6 }' | sed 's/ *$//')
    if [[ $got != "$status" || $output != *"$message"* || $status == 0 && $kept != "$want" ]]; then
        printf 'FAIL %s: got exit %s and:\n%s\n%s\nwant exit %s, %s and:\n%s\n' "$name" "$got" "$output" "$kept" "$status" "$message" "$want"
        failures=$((failures + 1))
    fi
    while read -r _ source version _; do
        if [[ $version && $(cat "$root/usr/share/rules_modhash/archives/${source}_$version.tar.xz" 2>/dev/null) != "$source=$version" ]]; then
            echo "FAIL $name: the archive of $source $version is not what its package contains"
            failures=$((failures + 1))
        fi
    done < <(grep '^archive linux-source' <<<"$kept")
    while read -r _ source version _; do
        source=${source%/cloud-amd64}
        if [[ $(cat "$root/usr/share/rules_modhash/archives/${source}_$version.cloud-amd64" 2>/dev/null) != "$source=$version" ]]; then
            echo "FAIL $name: the configuration of $source $version is not what its package contains"
            failures=$((failures + 1))
        fi
    done < <(grep '^archive linux-config' <<<"$kept")
}

cat >"$available" <<'E2'
forky linux-source-7.2 7.2.11-1
forky linux-source-7.2 7.2.12-1
forky linux-source 7.2.12-1
sid linux-source-7.2 7.2.13-1
experimental linux-source-7.3 7.3~rc7-1~exp1
trixie-backports linux-source-7.2 7.2.12-1~bpo13+1
trixie-backports linux-source-7.3 7.3.4-1~bpo13+1
E2
: >"$missing"
expect 'the newest of each series, and that of the suite' 0 '' 'archive linux-source-7.2 7.2.13-1 sid
archive linux-config-7.2/cloud-amd64 7.2.13-1 sid
archive linux-source-7.2 7.2.12-1 forky
archive linux-config-7.2/cloud-amd64 7.2.12-1 forky
archive linux-source-7.3 7.3.4-1~bpo13+1 trixie-backports
archive linux-config-7.3/cloud-amd64 7.3.4-1~bpo13+1 trixie-backports'

echo trixie-backports >"$missing"
expect 'a suite without package lists' 0 'provision: no package lists of trixie-backports' 'note unreachable-suite trixie-backports
archive linux-source-7.2 7.2.13-1 sid
archive linux-config-7.2/cloud-amd64 7.2.13-1 sid
archive linux-source-7.2 7.2.12-1 forky
archive linux-config-7.2/cloud-amd64 7.2.12-1 forky
archive linux-source-7.3 7.3~rc7-1~exp1 experimental
archive linux-config-7.3/cloud-amd64 7.3~rc7-1~exp1 experimental'

printf '%s\n' sid experimental trixie-backports trixie >"$missing"
expect 'no other suite' 0 'provision: no package lists of other suites' 'note unreachable-suite sid
note unreachable-suite experimental
note unreachable-suite trixie-backports
note unreachable-suite trixie
archive linux-source-7.2 7.2.12-1 forky
archive linux-config-7.2/cloud-amd64 7.2.12-1 forky'

echo linux-source-7.2=7.2.13-1 >"$missing"
expect 'a package of another suite that cannot be downloaded' 0 'provision: no linux-source-7.2 7.2.13-1 of sid' \
    'note unreachable-source linux-source-7.2 7.2.13-1 sid
archive linux-source-7.2 7.2.12-1 forky
archive linux-config-7.2/cloud-amd64 7.2.12-1 forky
archive linux-source-7.3 7.3.4-1~bpo13+1 trixie-backports
archive linux-config-7.3/cloud-amd64 7.3.4-1~bpo13+1 trixie-backports'

printf '%s\n' sid experimental trixie-backports linux-config-7.2=7.2.12-1 >"$missing"
expect 'a suite without configurations' 0 'provision: no linux-config-7.2 7.2.12-1 of forky' 'note unreachable-suite sid
note unreachable-suite experimental
note unreachable-suite trixie-backports
note no-configurations linux-config-7.2 7.2.12-1 forky
archive linux-source-7.2 7.2.12-1 forky'

echo linux-source-7.2=7.2.12-1 >"$missing"
expect 'a package of the suite that cannot be downloaded' 1 '' ''

: >"$missing"
cat >"$available" <<'E2'
forky linux-source-7.3 7.3.4-1
forky linux-source-7.10 7.10.1-1
sid linux-source-7.10 7.10.1-1
E2
expect 'the newest source has no patches' 0 \
    'provision: no patches for linux-source-7.10 7.10.1-1 forky: builds take linux-source-7.3 7.3.4-1 forky' \
    'note no-patches-for linux-source-7.10 7.10.1-1 forky
archive linux-source-7.3 7.3.4-1 forky
archive linux-config-7.3/cloud-amd64 7.3.4-1 forky
archive linux-source-7.10 7.10.1-1 forky
archive linux-config-7.10/cloud-amd64 7.10.1-1 forky'

cat >"$available" <<'E2'
forky linux-source-7.2 7.2.12-1
trixie linux-source-6.12 6.12.107-1
trixie linux-source-6.12 6.12.117-1
E2
expect 'the long-term kernel of stable' 0 '' 'archive linux-source-6.12 6.12.117-1 trixie
archive linux-config-6.12/cloud-amd64 6.12.117-1 trixie
archive linux-source-7.2 7.2.12-1 forky
archive linux-config-7.2/cloud-amd64 7.2.12-1 forky'

[[ $failures == 0 ]] && echo "all cases passed"
exit "$failures"
