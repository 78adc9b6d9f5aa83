# SPDX-License-Identifier: Apache-2.0
"""action_failure_test: checks that an action of a target fails with the expected error, and leaves no output."""

visibility("//...")

_ActionsInfo = provider(doc = "Actions of a target.", fields = {"actions": "list of Action"})

def _actions_aspect_impl(target, _ctx):
    return [_ActionsInfo(actions = target.actions)]

_actions_aspect = aspect(implementation = _actions_aspect_impl)

def _find_action(ctx):
    actions = ctx.attr.target[_ActionsInfo].actions
    found = [action for action in actions if action.mnemonic == ctx.attr.mnemonic]
    if len(found) != 1:
        fail("%s: %s has %d actions %s, want one" % (ctx.label, ctx.attr.target.label, len(found), ctx.attr.mnemonic))
    return found[0]

def _run_action(ctx, action):
    """Runs the command line of the action in an action of the test."""
    report = ctx.actions.declare_file(ctx.label.name + ".report")
    outputs = action.outputs.to_list()
    files = [file.path for file in outputs if not file.is_directory]
    directories = [file.path for file in outputs if file.is_directory]
    own = ctx.actions.args()
    own.add(report)
    own.add(ctx.bin_dir.path)
    own.add(len(files))
    own.add(len(directories))
    own.add_all(files + directories)
    ctx.actions.run(
        mnemonic = "ModhashTestFailure",
        executable = ctx.executable._runfailing,
        arguments = [own] + action.args,
        inputs = action.inputs,
        outputs = [report],
        env = {},
        progress_message = "Running the failing action of %{label}",
    )
    return report

_SCRIPT = """\
#!/bin/sh
status=0
while IFS= read -r line; do
    grep -qF -e "$line" {report} || {{ echo "not in the report: $line"; status=1; }}
done <{wanted}
[ $status = 0 ] || {{ echo "--- the report ---"; cat {report}; }}
exit $status
"""

def _failure_test_impl(ctx):
    report = _run_action(ctx, _find_action(ctx))
    wanted = ctx.actions.declare_file(ctx.label.name + ".wanted")
    lines = ["exit status: 2", "left behind: nothing"] + ctx.attr.error
    ctx.actions.write(wanted, "\n".join(lines + [""]))
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    content = _SCRIPT.format(report = report.short_path, wanted = wanted.short_path)
    ctx.actions.write(script, content, is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = [report, wanted]))]

action_failure_test = rule(
    implementation = _failure_test_impl,
    doc = "Checks that the target's only action with this mnemonic fails with this error.",
    attrs = {
        "error": attr.string_list(doc = "Parts of lines that the program prints.", mandatory = True),
        "mnemonic": attr.string(mandatory = True),
        "target": attr.label(aspects = [_actions_aspect], mandatory = True),
        "_runfailing": attr.label(cfg = "exec", default = "//tests/private/runfailing", executable = True),
    },
    test = True,
)
