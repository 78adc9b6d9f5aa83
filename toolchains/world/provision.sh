#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs inside a fresh root file system, while its package lists are still there. Fetches the
# archives that builds take as inputs and writes down what this world is made of.
#
# The manifest, /etc/rules_modhash/manifest.tsv, has one record a line, fields separated by tabs:
#   package NAME VERSION ARCHITECTURE SHA256   an installed package and the digest of its .deb
#   archive NAME VERSION PATH SHA256           a file kept as a build input
#   note KEY VALUE                             how the world came to be
# Digests of packages come from the signed package lists; an archive's digest is taken of the file.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
etc=/etc/rules_modhash
archives=/usr/share/rules_modhash/archives
mkdir -p "$etc" "$archives"

# The kernel series is written against one Linux version; the archive may have gone on to the next.
install() { apt-get install --yes --no-install-recommends "$@" >&2; }
if ! install linux-source-7.2; then
    echo "provision: linux-source-7.2 is no longer in the archive: taking the current linux-source" >&2
    install linux-source
fi

# The distribution's own kernel modules, of the release that linux-image-amd64 stands for today.
image=$(apt-cache depends --no-recommends --no-suggests linux-image-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
modules=linux-modules-${image#linux-image-}
apt-cache show "$modules" >/dev/null 2>&1 || modules=$image
(cd "$archives" && apt-get -o APT::Sandbox::User=root download "$modules" >&2)

{
    printf 'note\tsuite\t%s\n' "${WORLD_SUITE:?}"
    release=$(ls /var/lib/apt/lists/*_dists_"${WORLD_SUITE}"_*Release | head -n 1)
    printf 'note\tarchive-date\t%s\n' "$(sed -n 's/^Date: //p' "$release")"
    [ -z "${WORLD_EXPIRED:-}" ] ||
        printf 'note\taccepted-after\t%s\n' "$(sed -n 's/^Valid-Until: //p' "$release")"
    installed=$(dpkg-query --show --showformat='${binary:Package}=${Version}\n')
    # shellcheck disable=SC2086 # one word a package
    apt-cache show $installed | awk -v OFS='\t' '
        /^Package: / { name = $2 }
        /^Version: / { version = $2 }
        /^Architecture: / { arch = $2 }
        /^SHA256: / { print "package", name, version, arch, $2 }' | sort -u
    for deb in "$archives"/*.deb; do
        printf 'archive\t%s\t%s\t%s\t%s\n' "$(dpkg-deb --field "$deb" Package)" \
            "$(dpkg-deb --field "$deb" Version)" "$deb" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
    done
    for tar in /usr/src/linux-source-*.tar.xz; do
        name=$(basename "$tar" .tar.xz)
        printf 'archive\t%s\t%s\t%s\t%s\n' "$name" \
            "$(dpkg-query --show --showformat='${Version}' "$name")" "$tar" \
            "$(sha256sum "$tar" | cut -d ' ' -f 1)"
    done
} >"$etc/manifest.tsv.tmp"
mv "$etc/manifest.tsv.tmp" "$etc/manifest.tsv"

# Debian's own settings swap modules for other versions and keep every sandbox.
rm -f /etc/bazel/bazelrc

# Mount points for the host's files; the targets must be plain files.
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    mkdir -p "$(dirname "$file")"
    [ -f "$file" ] && [ ! -L "$file" ] || { rm -f "$file" && : >"$file"; }
done
