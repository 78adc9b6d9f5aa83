#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs inside a fresh root file system, while its package lists are still there. Fetches the
# archives that builds take as inputs and writes down what this world is made of.
#
# The manifest, /etc/rules_modhash/manifest.tsv, has one record a line, fields separated by tabs:
#   package NAME VERSION ARCHITECTURE SHA256   an installed package and the digest of its .deb
#   archive NAME VERSION PATH SHA256 SUITE     a file kept as a build input, and the suite that offers it
#   note KEY VALUE                             how the world came to be
# Digests of packages come from the signed package lists; an archive's digest is taken of the file.
#
# WORLD_SUITE is the suite that the world is made of, WORLD_SERIES the Linux versions that there are kernel
# patches for, such as "7.2 7.3".
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
etc=/etc/rules_modhash
archives=/usr/share/rules_modhash/archives
mkdir -p "$etc" "$archives"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "provision: $*" >&2; }
note() { printf 'note\t%s\t%s\n' "$1" "$2" >>"$work/notes"; }
# archive NAME VERSION FILE SUITE
archive() {
    printf 'archive\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(sha256sum "$3" | cut -d ' ' -f 1)" "$4" >>"$work/archives"
}

# ---- Kernel sources -----------------------------------------------------------------------------

# elsewhere COMMAND...: one of apt's commands with the package lists of the suites that other kernels are in, which are kept
# apart: nothing else in the world comes from them.
elsewhere() {
    command=$1
    shift
    "$command" -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}

# sources APT-CACHE...: lines `NAME VERSION SUITE`, a linux-source package that the lists offer each.
sources() {
    "$@" pkgnames linux-source- | grep -E '^linux-source-[0-9]+\.[0-9]+$' | sort >"$work/names" || return 0
    # shellcheck disable=SC2046 # one word a package
    "$@" madison $(cat "$work/names") | awk -F ' *[|] *' '
        { sub(/^ */, "", $1); split($3, place, " "); sub(/\/.*/, "", place[2]); print $1, $2, place[2] }'
}

# own_suite: the same for the suite that the world is made of. Its updates are a part of it.
own_suite() { sources apt-cache | sed "s/ [^ ]*$/ $WORLD_SUITE/"; }

# update_elsewhere reads the lists of other suites: of those with the next kernels, and of stable, which has the long-term
# kernel. One that cannot be had is on record, and no failure.
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

# choose: of lines as sources has them, own suite first, the newest of each package, of all suites and of the own one.
choose() {
    sort --stable -k 1,1V -k 2,2Vr | awk -v own="$WORLD_SUITE" '
        { newest = !seen[$1]++; newest_own = $3 == own && !own_seen[$1]++; if (newest || newest_own) print }'
}

# unpack NAME VERSION APT-GET...: the files of a package, as $work/data.tar.
unpack() {
    package=$1=$2 deb=$work/$1
    shift 2
    (cd "$work" && "$@" download "$package" >&2) &&
        dpkg-deb --fsys-tarfile "$deb"_*.deb >"$work/data.tar" &&
        rm "$deb"_*.deb
}

# keep_source NAME VERSION SUITE APT-GET...: the source archive that the package contains.
keep_source() {
    name=$1 version=$2 suite=$3 tar=$archives/${1}_$2.tar.xz
    shift 3
    unpack "$name" "$version" "$@" &&
        tar --extract --to-stdout --file="$work/data.tar" "./usr/src/$name.tar.xz" >"$tar" &&
        archive "$name" "$version" "$tar" "$suite" &&
        rm "$work/data.tar"
}

# keep_configurations NAME VERSION SUITE APT-GET...: the kernel configurations that the package contains, decompressed, as
# archives NAME/FLAVOUR. It has config.ARCHITECTURE_FEATURES_FLAVOUR.xz of each kernel image.
keep_configurations() {
    name=$1 version=$2 suite=$3 files=$work/usr/src/$1
    shift 3
    unpack "$name" "$version" "$@" &&
        tar --extract --directory="$work" --file="$work/data.tar" "./usr/src/$name" &&
        rm "$work/data.tar" || return 1
    for file in "$files"/config.*_none_*.xz; do
        flavour=${file##*_none_}
        flavour=${flavour%.xz}
        config=$archives/${name}_$version.$flavour
        xz --decompress --stdout "$file" >"$config" || { rm -f "$config" && return 1; }
        archive "$name/$flavour" "$version" "$config" "$suite"
    done
    rm -r "$work/usr"
}

# keep_sources: what choose printed, and the configurations of the same versions. A source of another suite is for tests
# of the patches: builds do without it. Not every suite has configurations.
keep_sources() {
    while read -r name version suite; do
        set -- elsewhere apt-get
        [ "$suite" != "$WORLD_SUITE" ] || set -- apt-get -o APT::Sandbox::User=root
        if ! keep_source "$name" "$version" "$suite" "$@"; then
            [ "$suite" != "$WORLD_SUITE" ] || return 1
            rm -f "$archives/${name}_$version.tar.xz"
            say "no $name $version of $suite"
            note unreachable-source "$name $version $suite"
            continue
        fi
        config=linux-config-${name#linux-source-}
        if ! keep_configurations "$config" "$version" "$suite" "$@"; then
            say "no $config $version of $suite"
            note no-configurations "$config $version $suite"
        fi
    done <"$work/chosen"
}

# report_missing_patches says which source builds take where it is not the newest of the suite.
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

# ---- The distribution's own modules, of the release that linux-image-amd64 stands for today -----

image=$(apt-cache depends --no-recommends --no-suggests linux-image-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
modules=linux-modules-${image#linux-image-}
apt-cache show "$modules" >/dev/null 2>&1 || modules=$image
(cd "$archives" && apt-get -o APT::Sandbox::User=root download "$modules" >&2)
for deb in "$archives"/*.deb; do
    archive "$(dpkg-deb --field "$deb" Package)" "$(dpkg-deb --field "$deb" Version)" "$deb" "$WORLD_SUITE"
done

# ---- The manifest -------------------------------------------------------------------------------

# packages: installed ones, as the manifest has them.
packages() {
    installed=$(dpkg-query --show --showformat='${binary:Package}=${Version}\n')
    # shellcheck disable=SC2086 # one word a package
    apt-cache show $installed | awk -v OFS='\t' '
        /^Package: / { name = $2 }
        /^Version: / { version = $2 }
        /^Architecture: / { arch = $2 }
        /^SHA256: / { print "package", name, version, arch, $2 }' | sort -u
}

release=$(ls /var/lib/apt/lists/*_dists_"$WORLD_SUITE"_*Release | head -n 1)
note suite "$WORLD_SUITE"
note archive-date "$(sed -n 's/^Date: //p' "$release")"
[ -z "${WORLD_EXPIRED:-}" ] || note accepted-after "$(sed -n 's/^Valid-Until: //p' "$release")"
packages >"$work/packages"
cat "$work/notes" "$work/packages" "$work/archives" >"$etc/manifest.tsv.tmp"
mv "$etc/manifest.tsv.tmp" "$etc/manifest.tsv"

# Debian's own settings swap modules for other versions and keep every sandbox.
rm -f /etc/bazel/bazelrc

# Mount points for the host's files; the targets must be plain files.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    mkdir -p "$(dirname "$file")"
    [ -f "$file" ] && [ ! -L "$file" ] || { rm -f "$file" && : >"$file"; }
done
