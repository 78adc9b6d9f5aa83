#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs in a new root file system that still has its package lists. Downloads the archives that are inputs of builds, and
# writes the manifest of the world.
#
# The manifest, /etc/rules_modhash/manifest.tsv, has one record per line, with fields separated by tabs:
#   package NAME VERSION ARCHITECTURE SHA256                   an installed package, and the digest of its .deb
#   archive NAME VERSION PATH SHA256 SUITE PACKAGE-SHA256 [kept]
#                                                              an input of builds, the suite that offers it, and the digest
#                                                              of the .deb that contains it ("-": unknown). The mark kept:
#                                                              an earlier world had it, and the suite was its suite then
#   note KEY VALUE                                             how the world was made
# Digests of packages come from the signed package lists. The digest of an archive is computed from the file.
#
# Environment:
#   WORLD_SUITE    the suite of the world
#   WORLD_SERIES   the Linux versions that have kernel patches, such as "7.2 7.3"
#   WORLD_EXPIRED  not empty: bazelw accepted an archive past its date
#   WORLD_STORED   a file with a record `archive` for each file in the store of bazelw (store.sh). The script downloads none
#                  of them: bazelw copies those that the manifest lists
#   WORLD_ROOT     the root directory, for tests. Default: empty
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
root=${WORLD_ROOT:-} stored=${WORLD_STORED:-/dev/null}
etc=$root/etc/rules_modhash
archives=$root/usr/share/rules_modhash/archives
mkdir -p "$etc" "$archives"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "provision: $*" >&2; }
note() { printf 'note\t%s\t%s\n' "$1" "$2" >>"$work/notes"; }
die() {
    say "error: $*"
    exit 1
}
# archive NAME VERSION FILE SUITE PACKAGE-SHA256 adds a file to the manifest.
archive() {
    printf 'archive\t%s\t%s\t%s\t%s\t%s\t%s\n' \
        "$1" "$2" "${3#"$root"}" "$(sha256sum "$3" | cut -d ' ' -f 1)" "$4" "$5" >>"$work/archives"
}

# from_store PACKAGE-SHA256 SUITE adds the archives of a package to the manifest if the store has them, or fails.
from_store() {
    awk -F '\t' -v OFS='\t' -v package="$1" -v suite="$2" -v directory="${archives#"$root"}" '
        $7 == package && package != "-" { $4 = directory "/" $4; $6 = suite; print; found = 1 }
        END { exit !found }' "$stored" >>"$work/archives"
}

# ---- Kernel sources -----------------------------------------------------------------------------

# own COMMAND... runs a command of apt with the package lists of the world.
own() {
    command=$1
    shift
    "$command" -o APT::Sandbox::User=root "$@"
}

# elsewhere COMMAND... runs a command of apt with the package lists of other suites, which have other kernels. These lists
# are separate: nothing else in the world comes from these suites.
elsewhere() {
    command=$1
    shift
    "$command" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

# sources APT-CACHE... prints a line `NAME VERSION SUITE` for each linux-source package in the lists.
sources() {
    "$@" pkgnames linux-source- | grep -E '^linux-source-[0-9]+\.[0-9]+$' | sort >"$work/names" || return 0
    # shellcheck disable=SC2046 # one word per package
    "$@" madison $(cat "$work/names") | awk -F ' *[|] *' '
        { sub(/^ */, "", $1); split($3, place, " "); sub(/\/.*/, "", place[2]); print $1, $2, place[2] }'
}

# own_suite prints these lines for the suite of the world, which includes its updates.
own_suite() { sources apt-cache | sed "s/ [^ ]*$/ $WORLD_SUITE/"; }

# update_elsewhere downloads the lists of other suites: those with the next kernels, and stable, which has the long-term
# kernel. A suite that is not available is not an error: the manifest has a note.
update_elsewhere() {
    repository=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    mkdir "$work/lists"
    for suite in sid experimental trixie-backports trixie; do
        echo "deb $repository $suite main" >"$work/sources.list"
        if ! elsewhere apt-get -o APT::Get::List-Cleanup=false --error-on=any update >&2; then
            say "no package lists of $suite"
            note unreachable-suite "$suite"
            continue
        fi
        cat "$work/sources.list" >>"$work/reachable"
    done
    [ -e "$work/reachable" ] && mv "$work/reachable" "$work/sources.list"
}

# choose selects lines of `sources`, in which the suite of the world is first: the newest of each package, among all suites
# and in the suite of the world.
choose() {
    sort --stable -k 1,1V -k 2,2Vr | awk -v own="$WORLD_SUITE" '
        { newest = !seen[$1]++; newest_own = $3 == own && !own_seen[$1]++; if (newest || newest_own) print }'
}

# package_digest LISTS NAME[=VERSION] prints the SHA-256 of a package from the lists, or "-". LISTS is own or elsewhere.
package_digest() {
    "$1" apt-cache show --no-all-versions "$2" 2>/dev/null | sed -n 's/^SHA256: //p' >"$work/digest" || :
    [ -s "$work/digest" ] || echo - >"$work/digest"
    head -n 1 "$work/digest"
}

# unpack NAME VERSION LISTS writes the files of a package to $work/data.tar.
unpack() {
    rm -f "$work/$1"_*.deb
    (cd "$work" && "$3" apt-get download "$1=$2" >&2) &&
        dpkg-deb --fsys-tarfile "$work/$1"_*.deb >"$work/data.tar" &&
        rm "$work/$1"_*.deb
}

# keep_source NAME VERSION SUITE LISTS keeps the source archive in the package.
keep_source() {
    package=$(package_digest "$4" "$1=$2")
    from_store "$package" "$3" && return
    tar=$archives/${1}_$2.tar.xz
    unpack "$1" "$2" "$4" &&
        tar --extract --to-stdout --file="$work/data.tar" "./usr/src/$1.tar.xz" >"$tar" &&
        archive "$1" "$2" "$tar" "$3" "$package" &&
        rm "$work/data.tar"
}

# keep_configurations NAME VERSION SUITE LISTS keeps the kernel configurations in the package, decompressed, as archives
# NAME/FLAVOR. The package has config.ARCHITECTURE_FEATURES_FLAVOR.xz for each kernel image.
keep_configurations() {
    package=$(package_digest "$4" "$1=$2") files=$work/usr/src/$1
    from_store "$package" "$3" && return
    unpack "$1" "$2" "$4" &&
        tar --extract --directory="$work" --file="$work/data.tar" "./usr/src/$1" &&
        rm "$work/data.tar" || return 1
    for file in "$files"/config.*_none_*.xz; do
        flavor=${file##*_none_}
        flavor=${flavor%.xz}
        config=$archives/${1}_$2.$flavor
        xz --decompress --stdout "$file" >"$config" || { rm -f "$config" && return 1; }
        archive "$1/$flavor" "$2" "$config" "$3" "$package"
    done
    rm -r "$work/usr"
}

# keep_sources keeps the sources that choose printed, and the configurations of the same versions. Builds do not need the
# sources of other suites, which are for tests of the patches. Some suites have no configurations.
keep_sources() {
    while read -r name version suite; do
        lists=elsewhere
        [ "$suite" != "$WORLD_SUITE" ] || lists=own
        if ! keep_source "$name" "$version" "$suite" $lists; then
            [ "$suite" != "$WORLD_SUITE" ] || die "downloading $name $version of $suite failed"
            rm -f "$archives/${name}_$version.tar.xz"
            say "no $name $version of $suite"
            note unreachable-source "$name $version $suite"
            continue
        fi
        config=linux-config-${name#linux-source-}
        if ! keep_configurations "$config" "$version" "$suite" $lists; then
            say "no $config $version of $suite"
            note no-configurations "$config $version $suite"
        fi
    done <"$work/chosen"
}

# report_missing_patches reports which source builds use if they cannot use the newest one of the suite.
report_missing_patches() {
    own_suite | choose >"$work/own"
    newest=$(tail -n 1 "$work/own")
    with_patches=$(grep -E "^linux-source-($(echo "$WORLD_SERIES" | sed 's/\./\\./g; s/ /|/g')) " "$work/own" | tail -n 1)
    [ "$newest" != "$with_patches" ] || return 0
    say "no patches for ${newest:-a kernel source of $WORLD_SUITE}: builds take ${with_patches:-one of another suite}"
    note no-patches-for "$newest"
}

update_elsewhere || say "no package lists of other suites"
{ own_suite && sources elsewhere apt-cache; } | choose >"$work/chosen"
keep_sources
report_missing_patches

# ---- The modules of the distribution's kernel, of the release that linux-image-amd64 depends on ---

keep_modules() {
    image=$(own apt-cache depends --no-recommends --no-suggests linux-image-amd64 |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
    [ -n "$image" ] || die "no linux-image-amd64 in $WORLD_SUITE"
    modules=linux-modules-${image#linux-image-}
    own apt-cache show "$modules" >/dev/null 2>&1 || modules=$image
    package=$(package_digest own "$modules")
    from_store "$package" "$WORLD_SUITE" && return
    (cd "$archives" && own apt-get download "$modules" >&2) || die "downloading $modules of $WORLD_SUITE failed"
    for deb in "$archives"/*.deb; do
        archive "$(dpkg-deb --field "$deb" Package)" "$(dpkg-deb --field "$deb" Version)" "$deb" "$WORLD_SUITE" "$package"
    done
}

keep_modules

# ---- The manifest -------------------------------------------------------------------------------

# earlier prints the archives of earlier worlds that this world would not have otherwise: the newest of each name first.
earlier() {
    awk -F '\t' -v OFS='\t' -v directory="${archives#"$root"}" '
        FILENAME == ARGV[1] { present[$2, $3] = 1; next }
        !(($2, $3) in present) { $4 = directory "/" $4; print $0, "kept" }' "$work/archives" "$stored" |
        sort --field-separator="$(printf '\t')" -k 2,2V -k 3,3Vr
}

# packages prints the records of installed packages.
packages() {
    installed=$(dpkg-query --show --showformat='${binary:Package}=${Version}\n')
    # shellcheck disable=SC2086 # one word per package
    apt-cache show $installed | awk -v OFS='\t' '
        /^Package: / { name = $2 }
        /^Version: / { version = $2 }
        /^Architecture: / { arch = $2 }
        /^SHA256: / { print "package", name, version, arch, $2 }' | sort -u
}

release=$(ls "$root"/var/lib/apt/lists/*_dists_"$WORLD_SUITE"_*Release | head -n 1)
note suite "$WORLD_SUITE"
note archive-date "$(sed -n 's/^Date: //p' "$release")"
[ -z "${WORLD_EXPIRED:-}" ] || note accepted-after "$(sed -n 's/^Valid-Until: //p' "$release")"
packages >"$work/packages"
earlier >"$work/earlier"
cat "$work/notes" "$work/packages" "$work/archives" "$work/earlier" >"$etc/manifest.tsv.tmp"
mv "$etc/manifest.tsv.tmp" "$etc/manifest.tsv"

# Debian's settings replace modules by other versions, and keep all sandboxes.
rm -f "$root/etc/bazel/bazelrc"

# The proxies of the machine that makes the world, and its names of hosts, were for the downloads.
sed -i '/^Acquire::https\{0,1\}::Proxy/d' "$root/etc/apt/apt.conf.d/99mmdebstrap" 2>/dev/null || :
rm -f "$root/etc/hosts"

# Mount points for files of the host: enter.sh needs regular files.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    mkdir -p "$(dirname "$root$file")"
    [ -f "$root$file" ] && [ ! -L "$root$file" ] || { rm -f "$root$file" && : >"$root$file"; }
done
