# SPDX-License-Identifier: Apache-2.0
"""The machine that kernel modules are built for."""

load("//rules/private:errors.bzl", "fail_attribute")

visibility("//...")

# Names as in the kernel's UTS_MACHINE, but for arm64 and arm, which go by their ARCH.
_BY_CPU = {
    "@platforms//cpu:aarch64": "arm64",
    "@platforms//cpu:arm": "arm",
    "@platforms//cpu:armv7": "arm",
    "@platforms//cpu:ppc64le": "ppc64le",
    "@platforms//cpu:riscv64": "riscv64",
    "@platforms//cpu:s390x": "s390x",
    "@platforms//cpu:x86_64": "x86_64",
}

_AUTO = "auto"

_MACHINES = sorted({machine: None for machine in _BY_CPU.values()})

MACHINE_ATTRIBUTES = {
    "machine": attr.string(
        doc = """\
The machine that the modules are built for, and that the root object is made for: `x86_64`, `arm64`,
`riscv64`, `ppc64le`, `s390x` or `arm`. `auto`: the CPU of the target platform.""",
        default = _AUTO,
        values = [_AUTO] + _MACHINES,
    ),
    "_machines": attr.label_keyed_string_dict(
        default = {Label(cpu): machine for cpu, machine in _BY_CPU.items()},
        providers = [platform_common.ConstraintValueInfo],
    ),
}

def machine_of(ctx):
    """The machine that a target with MACHINE_ATTRIBUTES is for.

    Args:
      ctx: rule context.

    Returns:
      string, one of the values of the attribute `machine` other than `auto`.
    """
    if ctx.attr.machine != _AUTO:
        return ctx.attr.machine
    for cpu, machine in ctx.attr._machines.items():
        if ctx.target_platform_has_constraint(cpu[platform_common.ConstraintValueInfo]):
            return machine
    return fail_attribute(
        ctx.label,
        "machine",
        "auto on a target platform with none of the CPUs %s" % ", ".join(_BY_CPU),
        "one of %s" % ", ".join(_MACHINES),
    )
