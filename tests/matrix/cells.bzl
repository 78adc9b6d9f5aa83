# SPDX-License-Identifier: Apache-2.0
"""The kernels that this project is for: version, architecture and compiler of each, and what is tested of it."""

load("//toolchains/kernel/patches:series.bzl", "SERIES")

visibility("//tests/...")

COMPILERS = ["gcc", "clang"]

# What the project claims of a kernel: each includes the ones before.
APPLIES = "applies"
BUILDS = "builds"
BOOTS = "boots"

# Versions of which each architecture and compiler below is tested.
_ALL = {
    "arm64": ["clang", "gcc"],
    "x86_64": ["clang", "gcc"],
}

# Architectures that are tested with one version, by Clang, which needs no further programs.
_ONE = {
    "ppc64le": "7.2",
    "riscv64": "7.2",
    "s390x": "7.2",
}

def _reason(series, machine, compiler):
    """Why a kernel is not booted, or None if it is."""
    if machine == "arm":
        return "tests have no board for it; root objects are tested"
    if machine in _ALL:
        return None
    if compiler == "gcc":
        return "`./bazelw` has no GCC for it"
    if _ONE[machine] != series:
        return "the patches have no code for an architecture: one version is tested"
    if machine == "ppc64le":
        return "the kernel stops in QEMU when it calls the firmware; the reason is not known yet"
    return None

def _state(machine, compiler, series, reason):
    if not reason:
        return BOOTS
    return BUILDS if compiler == "clang" and _ONE.get(machine) == series else APPLIES

def _cell(series, machine, compiler):
    reason = _reason(series, machine, compiler)
    return struct(
        compiler = compiler,
        machine = machine,
        # The kernels, and their targets: NAME, NAME_boot_test.
        name = "%s_%s_%s" % (series, machine, compiler),
        reason = reason,
        series = series,
        state = _state(machine, compiler, series, reason),
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
        for compiler in COMPILERS
    ]
