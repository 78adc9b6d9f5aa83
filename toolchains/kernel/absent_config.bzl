# SPDX-License-Identifier: Apache-2.0
"""absent_config: the target of a configuration that a source does not have, in repositories of the extension `linux`."""

def _absent_config_impl(ctx):
    fail("%s: %s" % (ctx.label, ctx.attr.message))

absent_config = rule(
    implementation = _absent_config_impl,
    doc = "Fails: there is no such configuration.",
    attrs = {"message": attr.string(doc = "What there is instead, and the next step.", mandatory = True)},
)
