# SPDX-License-Identifier: Apache-2.0
"""The machine that kernel modules are built for."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//tools/arch:arch.bzl", "MACHINES", "MACHINES_BY_CPU")

visibility("//...")

_AUTO = "auto"

MACHINE_ATTRIBUTES = {
    "machine": attr.string(
        doc = """\
The architecture that the modules are built for, and that the root object is made for: %s. `auto`: the CPU of the
target platform.""" % ", ".join(["`%s`" % machine for machine in MACHINES]),
        default = _AUTO,
        values = [_AUTO] + MACHINES,
    ),
    "_machines": attr.label_keyed_string_dict(
        default = {Label(cpu): machine for cpu, machine in MACHINES_BY_CPU.items()},
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
        "auto on a target platform with none of the CPUs %s" % ", ".join(MACHINES_BY_CPU),
        "one of %s" % ", ".join(MACHINES),
    )
