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

def machine_attributes(what, auto = "the CPU of the target platform"):
    """The attributes by which a target says what machine it is for.

    Args:
      what: string, a part of a sentence: what is for the machine.
      auto: string, a part of a sentence: the machine where the target says none.

    Returns:
      dict of names to attributes, for machine_of and says_machine.
    """
    return {
        "machine": attr.string(
            doc = """\
The machine that %s: `x86_64`, `arm64`, `riscv64`, `ppc64le`, `s390x` or `arm`. `auto`: %s.""" % (what, auto),
            default = _AUTO,
            values = [_AUTO] + _MACHINES,
        ),
        "_machines": attr.label_keyed_string_dict(
            default = {Label(cpu): machine for cpu, machine in _BY_CPU.items()},
            providers = [platform_common.ConstraintValueInfo],
        ),
    }

def says_machine(ctx):
    """Whether a target with machine_attributes says its machine itself.

    Args:
      ctx: rule context.

    Returns:
      bool.
    """
    return ctx.attr.machine != _AUTO

def machine_of(ctx):
    """The machine that a target with machine_attributes is for.

    Args:
      ctx: rule context.

    Returns:
      string, one of the values of the attribute `machine` other than `auto`.
    """
    if says_machine(ctx):
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
