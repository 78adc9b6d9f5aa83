# SPDX-License-Identifier: Apache-2.0
"""The shards that a kernel is built in.

A shard is named by a directory of the kernel's tree, and has the directories below it that no shard with a longer name
has. So all that the names decide is how fine the build is: any list that contains `.` is right for any kernel.
"""

load("//tools/arch:arch.bzl", "SOURCE_DIRECTORIES")

visibility([
    "//rules/...",
    "//tests/kernel/...",
])

# The number of modules from which on a kernel is built in shards by default.
MANY_MODULES = 100

# Shards of each kernel.
_ALWAYS = [
    ".",
    "arch",
    "arch/{arch}/kernel",
    "block",
    "crypto",
    "drivers",
    "drivers/base",
    "fs",
    "kernel",
    "lib",
    "mm",
    "net",
    "security",
]

# Further shards of kernels with many modules: what is built in is large there, too.
_ALWAYS_WITH_MANY_MODULES = [
    "arch/{arch}/kernel/cpu",
    "drivers/acpi",
    "drivers/char",
    "drivers/clk",
    "drivers/firmware",
    "drivers/gpu/drm",
    "drivers/iommu",
    "drivers/pci",
    "drivers/pinctrl",
    "drivers/tty",
    "drivers/usb",
    "drivers/video",
    "io_uring",
    "kernel/bpf",
    "kernel/sched",
    "kernel/time",
    "kernel/trace",
    "lib/crypto",
    "net/core",
    "net/ipv4",
    "net/ipv6",
]

# Shards of kernels with a module in them. Each has about 100 objects in a distribution's kernel, or much less.
_WITH_MODULES = [
    "arch/{arch}/crypto",
    "arch/{arch}/events",
    "arch/{arch}/kvm",
    "drivers/accel",
    "drivers/ata",
    "drivers/block",
    "drivers/bluetooth",
    "drivers/comedi",
    "drivers/crypto",
    "drivers/dma",
    "drivers/edac",
    "drivers/gpio",
    "drivers/gpu",
    "drivers/gpu/drm/amd",
    "drivers/gpu/drm/bridge",
    "drivers/gpu/drm/i915",
    "drivers/gpu/drm/msm",
    "drivers/gpu/drm/nouveau",
    "drivers/gpu/drm/panel",
    "drivers/gpu/drm/radeon",
    "drivers/gpu/drm/xe",
    "drivers/hid",
    "drivers/hv",
    "drivers/hwmon",
    "drivers/hwtracing",
    "drivers/i2c",
    "drivers/iio",
    "drivers/iio/adc",
    "drivers/infiniband",
    "drivers/infiniband/hw",
    "drivers/input",
    "drivers/leds",
    "drivers/md",
    "drivers/media",
    "drivers/media/dvb-frontends",
    "drivers/media/i2c",
    "drivers/media/pci",
    "drivers/media/platform",
    "drivers/media/rc",
    "drivers/media/tuners",
    "drivers/media/usb",
    "drivers/mfd",
    "drivers/misc",
    "drivers/mmc",
    "drivers/mtd",
    "drivers/net",
    "drivers/net/can",
    "drivers/net/dsa",
    "drivers/net/ethernet",
    "drivers/net/ethernet/broadcom",
    "drivers/net/ethernet/chelsio",
    "drivers/net/ethernet/intel",
    "drivers/net/ethernet/mellanox",
    "drivers/net/phy",
    "drivers/net/usb",
    "drivers/net/wireless",
    "drivers/net/wireless/ath",
    "drivers/net/wireless/broadcom",
    "drivers/net/wireless/intel",
    "drivers/net/wireless/mediatek",
    "drivers/net/wireless/realtek",
    "drivers/nvme",
    "drivers/phy",
    "drivers/platform",
    "drivers/power",
    "drivers/regulator",
    "drivers/rtc",
    "drivers/scsi",
    "drivers/soc",
    "drivers/spi",
    "drivers/staging",
    "drivers/staging/media",
    "drivers/target",
    "drivers/thermal",
    "drivers/usb/gadget",
    "drivers/usb/serial",
    "drivers/vfio",
    "drivers/video/fbdev",
    "drivers/virtio",
    "drivers/watchdog",
    "drivers/xen",
    "fs/bcachefs",
    "fs/btrfs",
    "fs/ceph",
    "fs/ext4",
    "fs/f2fs",
    "fs/gfs2",
    "fs/nfs",
    "fs/nfsd",
    "fs/nls",
    "fs/ntfs3",
    "fs/ocfs2",
    "fs/smb",
    "fs/ubifs",
    "fs/xfs",
    "net/batman-adv",
    "net/bluetooth",
    "net/bridge",
    "net/can",
    "net/ceph",
    "net/mac80211",
    "net/mptcp",
    "net/netfilter",
    "net/openvswitch",
    "net/rxrpc",
    "net/sched",
    "net/sctp",
    "net/smc",
    "net/sunrpc",
    "net/tipc",
    "net/wireless",
    "samples",
    "sound",
    "sound/core",
    "sound/firewire",
    "sound/hda",
    "sound/pci",
    "sound/soc",
    "sound/soc/amd",
    "sound/soc/codecs",
    "sound/soc/intel",
    "sound/soc/sof",
    "sound/usb",
]

def shards_for(machine, modules):
    """The names of the shards for a kernel.

    Args:
      machine: string, the architecture.
      modules: list of strings, the kernel's modules, as paths in the tree.

    Returns:
      list of strings, sorted.
    """
    directories = {}
    for module in modules:
        parts = module.split("/")
        for n in range(1, len(parts)):
            directories["/".join(parts[:n])] = None
    arch = SOURCE_DIRECTORIES[machine]
    names = list(_ALWAYS)
    if len(modules) >= MANY_MODULES:
        names += _ALWAYS_WITH_MANY_MODULES
    names = [name.format(arch = arch) for name in names]
    with_modules = [name.format(arch = arch) for name in _WITH_MODULES]
    return sorted(names + [name for name in with_modules if name in directories])

def shard_of(shards, module):
    """The shard of a module.

    Args:
      shards: list of strings, as shards_for returns it.
      module: string, a path in the tree.

    Returns:
      string, one of shards.
    """
    parts = module.split("/")
    for n in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:n])
        if name in shards:
            return name
    return "."
