# SPDX-License-Identifier: Apache-2.0
"""ipe_policy: from where a kernel may take modules, by Integrity Policy Enforcement."""

load("//rules/private:errors.bzl", "fail_attribute")
load("//rules/private/actions:run_modhash.bzl", "MODHASH_TOOLCHAIN", "modhash_args", "run_modhash")
load("//rules/private/providers:ipe_policy_info.bzl", "IpePolicyInfo")

visibility("//...")

_DOC = """\
A policy of Integrity Policy Enforcement (IPE): an unmodified kernel (Linux 6.12 or newer) with this policy takes modules from a
`module_image`, and from nowhere else.

```starlark
load("@rules_modhash//rules:defs.bzl", "ipe_policy")

ipe_policy(name = "policy")
```

The policy has zeros in place of the root hash of the image. `boot_policy` of `kernel_build` compiles it into a kernel, and
`module_image` of `vmlinux` writes the root hash over the zeros: so the modules, whose root hash it is, can depend on the kernel.

**Outputs.** `NAME.txt`, the policy with zeros.

**Failures.** An unknown operation or source, or a name that the kernel cannot use, is a build error.
"""

# What an operation can be allowed from, as `modhash policy write --allow` names it.
_SOURCES = ["image", "initramfs"]

_MODULES = "KMODULE"

def _check_allow(ctx):
    for operation, sources in ctx.attr.allow.items():
        unknown = [source for source in sources if source not in _SOURCES]
        if unknown:
            fail_attribute(ctx.label, "allow", "%s from %s" % (operation, ", ".join(unknown)), "sources among " + ", ".join(_SOURCES))
    if "image" not in ctx.attr.allow.get(_MODULES, []):
        fail_attribute(ctx.label, "allow", "no image for " + _MODULES, "the module image as a source of modules: {\"KMODULE\": [\"image\"]}")

def _ipe_policy_impl(ctx):
    _check_allow(ctx)
    blank = ctx.actions.declare_file(ctx.label.name + ".txt")
    args = modhash_args(ctx, "policy")
    args.add("write")
    args.add("--blank")
    args.add(ctx.attr.policy_name or ctx.label.name, format = "--name=%s")
    args.add(ctx.attr.version, format = "--policy-version=%s")
    args.add_all(
        ["%s=%s" % (operation, ",".join(sources)) for operation, sources in ctx.attr.allow.items()],
        format_each = "--allow=%s",
    )
    args.add(blank, format = "--out=%s")
    run_modhash(ctx, "ModhashPolicy", args, [], [blank], "Writing the policy")
    return [
        DefaultInfo(files = depset([blank])),
        IpePolicyInfo(blank = blank, label = ctx.label),
    ]

ipe_policy = rule(
    implementation = _ipe_policy_impl,
    doc = _DOC,
    attrs = {
        "allow": attr.string_list_dict(
            doc = """\
The operations that the policy restricts, each with the sources that it allows them from: `image` (the module image), `initramfs`,
or none. Operations are those of IPE: `KMODULE` (modules), `FIRMWARE`, `EXECUTE` (programs and libraries), `KEXEC_IMAGE`,
`KEXEC_INITRAMFS`, `POLICY` (of IMA), `X509_CERT`. The policy allows all others from anywhere. With `initramfs` for `KMODULE`, the
kernel takes modules from any file in the file system of the initramfs, also from one that root writes there after the start.""",
            default = {"KMODULE": ["image"]},
        ),
        "policy_name": attr.string(
            doc = "The name of the policy in `/sys/kernel/security/ipe/policies`. Default: the name of the target.",
        ),
        "version": attr.string(
            doc = "Three numbers from 0 to 65535. The kernel activates only a policy with the same version or a higher one instead.",
            default = "1.0.0",
        ),
    },
    provides = [IpePolicyInfo],
    toolchains = [MODHASH_TOOLCHAIN],
)
