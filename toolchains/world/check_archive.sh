# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The text of a setup hook of mmdebstrap. Downloads the package lists, and checks that the archive has all packages of the
# world, before any package is downloaded. $WORLD_PACKAGES are their names. It prints a line for each missing package:
#   check: no package NAME; similar: NAME...
set -eu
[ -n "${MMDEBSTRAP_APT_CONFIG:-}" ] || exit 0 # an old mmdebstrap finds out later
export LC_ALL=C APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
apt-get update --error-on=any >&2
# shellcheck disable=SC2086 # one word per package
answer=$(apt-get --simulate --yes install $WORLD_PACKAGES 2>&1) && exit
echo "$answer" | grep -v -e '^Inst ' -e '^Conf ' >&2

for package in $WORLD_PACKAGES; do
    [ -z "$(apt-cache show --no-all-versions "$package" 2>/dev/null)" ] || continue
    # Debian renames packages that have a version in their names.
    pattern=$(echo "$package" | sed 's/[.+]/\\&/g; s/[0-9][0-9]*\(\\\.[0-9][0-9]*\)*/[0-9][0-9.]*/g')
    similar=$(apt-cache pkgnames | grep -x -e "$pattern" | sort -V | tail -n 3 | paste -sd ' ')
    echo "check: no package $package; similar: ${similar:-none}" >&2
done
exit 1
