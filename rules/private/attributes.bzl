# SPDX-License-Identifier: Apache-2.0
"""Attributes that several rules have."""

visibility("//...")

def existing_signature_attribute(default):
    """The attribute that selects what happens to a signature that a module already has.

    Args:
      default: string, one of the values.

    Returns:
      The attribute `existing_signature`.
    """
    return attr.string(
        doc = """\
What happens to a signature trailer that a module already has. `strip`: the rules drop it, then hash and seal
the module without it. `keep`: the rules hash it as a part of the module. `error`: the build fails.""",
        default = default,
        values = ["error", "keep", "strip"],
    )
