# SPDX-License-Identifier: Apache-2.0
"""What all actions that run Kbuild share."""

load("@bazel_skylib//rules:common_settings.bzl", "BuildSettingInfo")
load("//rules/private:errors.bzl", "fail_attribute", "label_text")
load("//rules/private/actions:jobs.bzl", "resources_of")
load("//rules/private/actions:params.bzl", "params")

visibility("//...")

KERNEL_TOOLCHAIN = "//toolchains/kernel:toolchain_type"

KBUILD_ATTRIBUTE = attr.label(
    cfg = "exec",
    default = "//tools/kernel/cmd/kbuild",
    executable = True,
)

JOBS_ATTRIBUTE = attr.label(
    default = "//rules:kernel_jobs",
    providers = [BuildSettingInfo],
)

STRIP_ATTRIBUTE = attr.string(
    doc = """\
`debug`: the rules strip debug information from modules before they hash them, as `INSTALL_MOD_STRIP=1` does on
installation. `none`: they hash modules as built.""",
    default = "debug",
    values = ["debug", "none"],
)

def kernel_toolchain(ctx):
    """The toolchain's KernelToolchainInfo.

    Args:
      ctx: rule context, of a rule with KERNEL_TOOLCHAIN.

    Returns:
      KernelToolchainInfo.
    """
    return ctx.toolchains[KERNEL_TOOLCHAIN].kernel_info

def label_args(ctx):
    """Arguments that the program kbuild reads from a file, with the target's name.

    Args:
      ctx: rule context.

    Returns:
      Args.
    """
    args = params(ctx)
    args.add(label_text(ctx.label), format = "--label=%s")
    return args

def target_args(ctx, config, attribute = None):
    """Arguments for the architecture and the compiler of a kernel or module.

    Args:
      ctx: rule context, of a rule with KERNEL_TOOLCHAIN.
      config: KernelConfigInfo, or another struct with its fields compiler and machine.
      attribute: string, the attribute that provides config: named in errors. None: the target has the attributes
        `compiler` and `machine` itself.

    Returns:
      Args.
    """
    toolchain = kernel_toolchain(ctx)
    if config.compiler not in toolchain.compilers:
        fail_attribute(
            ctx.label,
            attribute or "compiler",
            "the compiler %s" % config.compiler,
            "one that the kernel toolchain has: %s" % (", ".join(toolchain.compilers) or "it has none"),
        )

    # Clang compiles for all architectures, and comes with its own binary tools.
    if config.compiler == "gcc" and config.machine not in toolchain.cross_prefixes:
        fail_attribute(
            ctx.label,
            attribute or "machine",
            "a kernel for the architecture %s by gcc" % config.machine,
            "the compiler clang, or an architecture that the kernel toolchain has GCC for: %s" %
            (", ".join(sorted(toolchain.cross_prefixes)) or "it has none"),
        )
    args = label_args(ctx)
    args.add(config.machine, format = "--machine=%s")
    args.add(config.compiler, format = "--compiler=%s")
    args.add("--cross=" + toolchain.cross_prefixes.get(config.machine, ""))
    return args

def run_kbuild(ctx, mnemonic, command, args, inputs, outputs, message, parallel = True, execution_requirements = {}):
    """Declares an action that runs the program kbuild with the programs of the toolchain.

    Args:
      ctx: rule context, with KBUILD_ATTRIBUTE as `_kbuild` and, if parallel, JOBS_ATTRIBUTE as `_jobs`, of a rule
        with KERNEL_TOOLCHAIN.
      mnemonic: string.
      command: string, the subcommand.
      args: Args, as label_args and target_args return.
      inputs: list of File.
      outputs: list of File.
      message: string, the progress message, without ` of TARGET`.
      parallel: bool, whether the action runs several programs at the same time: the number in the build setting
        `//rules:kernel_jobs`. The action declares that number of processors.
      execution_requirements: dict, as in ctx.actions.run.
    """
    jobs = ctx.attr._jobs[BuildSettingInfo].value if parallel else 1
    toolchain = kernel_toolchain(ctx)
    ctx.actions.run(
        mnemonic = mnemonic,
        executable = ctx.executable._kbuild,
        arguments = [command, "--jobs=%d" % jobs, args],
        inputs = inputs + [toolchain.manifest],
        outputs = outputs,
        env = {"PATH": toolchain.path},
        execution_requirements = execution_requirements,
        progress_message = message + " of %{label}",
        resource_set = resources_of(jobs),
        toolchain = KERNEL_TOOLCHAIN,
    )
