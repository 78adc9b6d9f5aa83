# SPDX-License-Identifier: Apache-2.0
"""Attributes that several rules have."""

visibility("//...")

def existing_signature_attribute(default):
    """What to do with a signature that a module already carries.

    Args:
      default: string, one of the values.

    Returns:
      An attribute, for the name `existing_signature`.
    """
    return attr.string(
        doc = """\
What happens to a signature trailer that a module already carries. `strip`: it is cut off, and the bare
module is hashed and sealed. `keep`: it is hashed as a part of the module. `error`: the build fails.""",
        default = default,
        values = ["error", "keep", "strip"],
    )
