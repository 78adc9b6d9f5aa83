# SPDX-License-Identifier: Apache-2.0
"""Actions that run the program modhash."""

load("//rules/private/actions:params.bzl", "params")

visibility("//...")

MODHASH_TOOLCHAIN = "//toolchains/modhash:toolchain_type"

# The program is a persistent worker, one for all these actions, that handles several requests at once. It
# reads only files that its arguments name, and output bytes do not depend on output directories.
_REQUIREMENTS = {
    "requires-worker-protocol": "proto",
    "supports-multiplex-sandboxing": "1",
    "supports-multiplex-workers": "1",
    "supports-path-mapping": "1",
    "supports-worker-cancellation": "1",
    "supports-workers": "1",
    "worker-key-mnemonic": "Modhash",
}

def modhash_args(ctx, command):
    """The arguments of a command, starting with the command: Bazel starts a worker without arguments.

    Args:
      ctx: rule context.
      command: string, the subcommand.

    Returns:
      Args.
    """
    args = params(ctx)
    args.add(command)
    return args

def run_modhash(ctx, mnemonic, args, inputs, outputs, message):
    """Declares an action that runs the program modhash of the toolchain, in a worker if Bazel uses workers.

    Args:
      ctx: rule context, of a rule with MODHASH_TOOLCHAIN.
      mnemonic: string.
      args: Args, as modhash_args returns.
      inputs: list of File.
      outputs: list of File.
      message: string, the progress message, without ` of TARGET`.
    """
    ctx.actions.run(
        mnemonic = mnemonic,
        executable = ctx.toolchains[MODHASH_TOOLCHAIN].modhash_info.modhash,
        arguments = [args],
        inputs = inputs,
        outputs = outputs,
        env = {},
        execution_requirements = _REQUIREMENTS,
        progress_message = message + " of %{label}",
        toolchain = MODHASH_TOOLCHAIN,
    )
