#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: unshare --mount [--map-root-user] enter.sh ROOT DIRECTORY [KEEP...] -- COMMAND...
#
# Makes ROOT the root file system of this mount namespace and runs COMMAND in DIRECTORY. Directories
# that do not belong to the operating system (homes, checkouts, temporary directories) and the
# directories KEEP stay at their paths.
# It uses pivot_root, because the kernel rejects user namespaces in a chroot, and Bazel's
# linux-sandbox needs them.
set -euo pipefail
root=$1 directory=$2
shift 2
kept=()
while [[ $1 != -- ]]; do
    kept+=("$1")
    shift
done
shift

mount --bind "$root" "$root"
cd "$root"

# keep PATH mounts the host's directory PATH at the same path in the new root.
keep() {
    mkdir -p ".$1"
    mount --rbind "$1" ".$1"
}

for path in /*; do
    case $path in
        /bin | /boot | /etc | /lib | /lib?* | /run | /sbin | /usr | /var | /lost+found) ;;
        *) if [[ -d $path && ! -L $path ]]; then keep "$path"; fi ;;
    esac
done
for path in "$directory" ${kept[@]+"${kept[@]}"}; do
    case $path in /boot/* | /etc/* | /run/* | /usr/* | /var/*) keep "$path" ;; esac
done

# If ROOT is below a kept directory, it is a second mount there, and sandboxes could not bind its
# parent directories.
if mountpoint --quiet ".$root"; then umount --lazy ".$root"; fi

# share FILE TARGET mounts the host's FILE, if there is one, at TARGET.
share() { if [[ -s $1 ]]; then mount --bind "$(readlink -f "$1")" ".$2"; fi; }

bundle=/etc/ssl/certs/ca-certificates.crt
share /etc/resolv.conf /etc/resolv.conf
share /etc/hosts /etc/hosts
share "${SSL_CERT_FILE:-$bundle}" $bundle
export SSL_CERT_FILE=$bundle

mkdir -p .old
pivot_root . .old
umount --lazy /.old
cd "$directory"
exec "$@"
