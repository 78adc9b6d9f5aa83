# SPDX-License-Identifier: Apache-2.0
"""IpePolicyInfo: a policy of Integrity Policy Enforcement."""

visibility("//...")

DOC = """\
A policy of Integrity Policy Enforcement (IPE), with zeros for the root hash of the module image.

Grammar: `Documentation/admin-guide/LSM/ipe.rst` of Linux.
"""

FIELDS = {
    "blank": """\
File: the text of the policy, with zeros for the root hash: `dmverity_roothash=sha256:000...`. The policy with the root hash has
the same length.""",
    "label": "Label of the target: named in errors.",
}

IpePolicyInfo = provider(doc = DOC, fields = FIELDS)
