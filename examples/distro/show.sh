#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: show.sh MODHASH TREE ROOT-OBJECT SEALED PROOFS RELEASE.BZL   (paths below the runfiles)
#
# Prints the tree of the distribution's modules, checks each sealed module against its root, and
# prints the paths of the files.
set -euo pipefail
modhash=$1 tree=$2 object=$3 sealed=$4 proofs=$5 release=$6

# field NAME prints a constant of the repository's release.bzl.
field() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$release"; }

read -r levels root < <("$modhash" root "$tree")
modules=$(find -L "$sealed" -name '*.ko' | wc -l)
bytes=$(du -Lsb "$sealed" | cut -f 1)
cat <<EOF

package        $(field PACKAGE) $(field VERSION)
modules        $modules, $((bytes / 1000000)) MB sealed
tree           $levels levels, root $root
root object    $("$modhash" root "$object") (read back from the object that vmlinux links)

files
  tree         bazel-bin/$tree
  root object  bazel-bin/$object
  proofs       bazel-bin/$proofs
  sealed       bazel-bin/$sealed

checking every sealed module against the root …
EOF
start=$(date +%s%N)
"$modhash" verify --root "$object" "$sealed"
end=$(date +%s%N)
printf 'checked in %d.%02d s\n' $(((end - start) / 1000000000)) $(((end - start) / 10000000 % 100))
