# SPDX-License-Identifier: Apache-2.0
"""The kernels that this project is for: version, architecture and compiler of each, and what is tested of it."""

load("//toolchains/kernel/patches:series.bzl", "SERIES")

visibility("//tests/...")

_COMPILERS = ["gcc", "clang"]

# What the project claims of a kernel: each includes the ones before.
APPLIES = "applies"
BUILDS = "builds"
BOOTS = "boots"

# Architectures of which each version is tested, by each compiler.
_ALL = [
    "arm64",
    "x86_64",
]

# Architectures that are tested with one version, by Clang, which needs no further programs.
_ONE = {
    "ppc64le": "7.2",
    "riscv64": "7.2",
    "s390x": "7.2",
}

def _judge(series, machine, compiler):
    """What the project claims of a kernel, and why no more, or None."""
    if machine in _ALL:
        return BOOTS, None
    if machine not in _ONE:
        return APPLIES, "tests have no board for it; root objects are tested"
    if compiler == "gcc":
        return APPLIES, "`./bazelw` has no GCC for it"
    if _ONE[machine] != series:
        return APPLIES, "the patches have no code for an architecture: one version is tested"
    if machine == "ppc64le":
        return BUILDS, "the kernel stops in QEMU when it calls the firmware; the reason is not known yet"
    return BOOTS, None

def _cell(series, machine, compiler):
    state, reason = _judge(series, machine, compiler)
    return struct(
        compiler = compiler,
        machine = machine,
        # The kernels, and their targets: NAME, NAME_boot_test.
        name = "%s_%s_%s" % (series, machine, compiler),
        reason = reason,
        series = series,
        state = state,
    )

def cells(machines):
    """All combinations.

    Args:
      machines: list of strings, the architectures.

    Returns:
      list of struct(series, machine, compiler, name, state, reason). state: APPLIES (the patches apply to the source),
      BUILDS (the kernel also builds), or BOOTS (it also boots in QEMU, loads its modules, and rejects others). reason: why it
      is not BOOTS.
    """
    return [
        _cell(series, machine, compiler)
        for machine in machines
        for series in SERIES
        for compiler in _COMPILERS
    ]
