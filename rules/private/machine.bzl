# SPDX-License-Identifier: Apache-2.0
"""The architecture that kernel modules are built for."""

load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/providers:vmlinux_info.bzl", "VmlinuxInfo")
load("//tools/arch:arch.bzl", "MACHINES", "MACHINES_BY_CPU")

visibility("//...")

_AUTO = "auto"

def machine_attributes(what, auto = "that of the target platform"):
    """The attributes that set the architecture of a target.

    Args:
      what: string, a part of a sentence: what the architecture applies to.
      auto: string, a part of a sentence: the architecture if the attribute `machine` is not set.

    Returns:
      dict of names to attributes, for machine_of and has_machine.
    """
    return {
        "machine": attr.string(
            doc = """\
The architecture that %s: %s. `auto`: %s.""" % (what, ", ".join(["`%s`" % machine for machine in MACHINES]), auto),
            default = _AUTO,
            values = [_AUTO] + MACHINES,
        ),
        "_machines": attr.label_keyed_string_dict(
            default = {Label(cpu): machine for cpu, machine in MACHINES_BY_CPU.items()},
            providers = [platform_common.ConstraintValueInfo],
        ),
    }

def has_machine(ctx):
    """Whether a target with machine_attributes sets its architecture.

    Args:
      ctx: rule context.

    Returns:
      bool.
    """
    return ctx.attr.machine != _AUTO

def machine_of(ctx):
    """The architecture of a target with machine_attributes.

    Args:
      ctx: rule context.

    Returns:
      string, one of the values of the attribute `machine` other than `auto`.
    """
    if has_machine(ctx):
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

def machine_of_vmlinux(ctx):
    """The architecture of the attribute `vmlinux`, for a target with machine_attributes.

    Args:
      ctx: rule context, with a target in the attribute `vmlinux`.

    Returns:
      string, as machine_of. A target that also sets `machine` is an error.
    """
    vmlinux = ctx.attr.vmlinux
    if has_machine(ctx):
        fail_attribute(
            ctx.label,
            "machine",
            "%s together with %s" % (ctx.attr.machine, label_text(vmlinux.label)),
            "no machine: vmlinux sets it",
        )
    return vmlinux[VmlinuxInfo].machine
