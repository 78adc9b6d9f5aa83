# SPDX-License-Identifier: Apache-2.0
"""The modules of the example's kernel."""

visibility("//...")

IN_TREE_MODULES = [
    "crypto/blowfish_common.ko",
    "crypto/blowfish_generic.ko",
    "crypto/crc32c-cryptoapi.ko",
    "crypto/crypto_null.ko",
    "crypto/crypto_skcipher.ko",
    "crypto/crypto_user.ko",
    "crypto/ecb.ko",
    "crypto/md4.ko",
    "crypto/rng.ko",
    "crypto/xxhash_generic.ko",
    "drivers/block/brd.ko",
    "drivers/block/loop.ko",
    "drivers/net/dummy.ko",
    "drivers/net/macvlan.ko",
    "drivers/net/tun.ko",
    "drivers/net/veth.ko",
    "fs/binfmt_misc.ko",
    "fs/configfs/configfs.ko",
    "fs/cramfs/cramfs.ko",
    "fs/exportfs/exportfs.ko",
    "fs/ext4/ext4.ko",
    "fs/fat/fat.ko",
    "fs/fat/msdos.ko",
    "fs/fat/vfat.ko",
    "fs/fuse/fuse.ko",
    "fs/isofs/isofs.ko",
    "fs/jbd2/jbd2.ko",
    "fs/mbcache.ko",
    "fs/minix/minix.ko",
    "fs/nls/nls_ascii.ko",
    "fs/nls/nls_base.ko",
    "fs/nls/nls_cp437.ko",
    "fs/nls/nls_iso8859-1.ko",
    "fs/nls/nls_utf8.ko",
    "fs/overlayfs/overlay.ko",
    "fs/romfs/romfs.ko",
    "fs/squashfs/squashfs.ko",
    "lib/crc/crc16.ko",
    "net/802/psnap.ko",
    "net/802/stp.ko",
    "net/8021q/8021q.ko",
    "net/bridge/bridge.ko",
    "net/llc/llc.ko",
]

_ONLY_SINCE_7_2 = [
    "crypto/crc32c-cryptoapi.ko",
    "crypto/crypto_skcipher.ko",
    "crypto/ecb.ko",
    "crypto/rng.ko",
    "lib/crc/crc16.ko",
]

# The modules of the same configuration in Linux 6.12.
IN_TREE_MODULES_6_12 = sorted([module for module in IN_TREE_MODULES if module not in _ONLY_SINCE_7_2] + [
    "crypto/crc32c_generic.ko",
    "lib/crc16.ko",
    "net/802/p8022.ko",
])
