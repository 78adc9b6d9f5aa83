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

# mounts are lines of an fstab: one process makes all mounts, in a tenth of the time of a process for each.
mounts=''
# add PATH TARGET OPTION has the host's PATH mounted at TARGET of the new root, by the option bind or rbind.
add() {
    local field
    for field in "$1" "$root$2"; do
        field=${field//\\/\\134}
        field=${field// /\\040}
        field=${field//$'\t'/\\011}
        mounts+="${field//$'\n'/\\012} "
    done
    mounts+="none $3"$'\n'
}

# keep PATH keeps the host's directory PATH at the same path in the new root.
keep() {
    [[ -d .$1 ]] || mkdir -p ".$1"
    add "$1" "$1" rbind
}

# share FILE TARGET has the host's FILE, if there is one, at TARGET.
share() {
    local file=$1
    [[ -s $file ]] || return 0
    [[ ! -L $file ]] || file=$(readlink -f "$file")
    add "$file" "$2" bind
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
bundle=/etc/ssl/certs/ca-certificates.crt
share /etc/resolv.conf /etc/resolv.conf
share /etc/hosts /etc/hosts
share "${SSL_CERT_FILE:-$bundle}" $bundle
export SSL_CERT_FILE=$bundle
# mount reads no pipe.
printf %s "$mounts" >".mounts.$$"
mount --all --fstab ".mounts.$$"
rm ".mounts.$$"

# If ROOT is below a kept directory, it is a second mount there, and sandboxes could not bind its
# parent directories.
if mountpoint --quiet ".$root"; then umount --lazy ".$root"; fi

mkdir -p .old
pivot_root . .old
umount --lazy /.old
cd "$directory"
exec "$@"
