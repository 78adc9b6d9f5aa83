# SPDX-License-Identifier: Apache-2.0
"""ModhashToolchainInfo: the program that hashes, seals and verifies modules."""

visibility("//...")

DOC = """\
What a toolchain of type `@rules_modhash//toolchains/modhash:toolchain_type` provides, in its field
`modhash_info`.
"""

FIELDS = {
    "modhash": "FilesToRunProvider of the `modhash` program, for the execution platform.",
}

ModhashToolchainInfo = provider(doc = DOC, fields = FIELDS)
