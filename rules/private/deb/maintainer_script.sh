#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a linux-image package of Debian does: it tells whoever left a script in /etc/kernel that a kernel comes or
# goes, such as initramfs-tools, dracut, and boot loaders. One script for all steps: dpkg starts it by another name.
set -eu
step=${DPKG_MAINTSCRIPT_NAME:?want to be run by dpkg, as a maintainer script}
release=${DPKG_MAINTSCRIPT_PACKAGE#linux-image-}

case "$step $1" in
    "preinst install" | "preinst upgrade" | "postinst configure" | "prerm remove" | "postrm remove" | "postrm purge") ;;
    *) exit 0 ;;
esac

hooks=/etc/kernel/$step.d
if [ -d "$hooks" ]; then
    DEB_MAINT_PARAMS="$*" run-parts --report --exit-on-error --arg="$release" --arg="/boot/vmlinuz-$release" "$hooks"
fi
