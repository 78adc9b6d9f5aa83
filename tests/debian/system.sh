#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes a Debian system that has the kernel of a package, and reports by guest.sh what the kernel does with modules.
#
# $DEB is the package, $MODHASH the program, $GUEST the directory of guest.sh and guest.service. $OUT, a directory, gets the
# disk image `disk`, and the `kernel` and `initramfs` that the system boots. Debian's packages come from the archive that the
# world of ./bazelw was made of.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
note() { awk -F '\t' -v key="$1" '$1 == "note" && $2 == key { print $3 }' /etc/rules_modhash/manifest.tsv; }

# Modules that the kernel must reject: without proof, changed after sealing, and sealed by another build.
prepare() {
    checks=$OUT/checks
    mkdir "$checks"
    cp "$MODHASH" "$checks/modhash"
    cp "$GUEST/guest.sh" "$checks/"
    for name in dummy veth; do
        dpkg-deb --fsys-tarfile "$DEB" | tar --extract --to-stdout --wildcards "*/kernel/drivers/net/$name.ko" >"$OUT/$name.ko"
    done
    "$MODHASH" unseal --out "$checks/unsealed.ko" "$OUT/dummy.ko"
    sed 's/numdummies/numdumm1es/' "$OUT/dummy.ko" >"$checks/tampered.ko"
    "$MODHASH" tree --seal "$OUT/other" "$OUT/dummy.ko" "$OUT/veth.ko"
    cp "$OUT/other/dummy.ko" "$checks/other.ko"
}

# bootstrap: the package is installed with dpkg, so that its maintainer scripts have the system make the initramfs.
bootstrap() {
    set -- --mode=root --variant=minbase --include=systemd-sysv,udev,kmod,initramfs-tools,zstd
    # The world accepted an old snapshot of the archive only after apt's error, and noted it.
    [ -z "$(note accepted-after)" ] || set -- "$@" --aptopt='Acquire::Check-Valid-Until "false"'
    mmdebstrap "$@" \
        --customize-hook="copy-in '$DEB' /tmp" \
        --customize-hook='chroot "$1" sh -c "dpkg --install /tmp/*.deb && rm /tmp/*.deb"' \
        --customize-hook="copy-in '$OUT/checks' /" \
        --customize-hook="copy-in '$GUEST/guest.service' /etc/systemd/system" \
        --customize-hook='chroot "$1" systemctl enable guest.service' \
        "$(note suite)" "$OUT/root" /etc/apt/sources.list
}

mkdir -p "$OUT"
prepare
bootstrap
cp "$OUT"/root/boot/vmlinuz-* "$OUT/kernel"
cp "$OUT"/root/boot/initrd.img-* "$OUT/initramfs"
mke2fs -q -t ext4 -d "$OUT/root" "$OUT/disk" 3G
rm -r "$OUT/root"
