# SPDX-License-Identifier: Apache-2.0
"""Errors in attributes, and names of targets in messages."""

visibility("//...")

def label_text(label):
    """A target's name as a user of the main repository writes it.

    Args:
      label: Label.

    Returns:
      string such as `//fs:ext4`, or `@repository//fs:ext4` for a target of another repository.
    """
    repository = "@" + label.repo_name if label.repo_name else ""
    return "%s//%s:%s" % (repository, label.package, label.name)

def fail_attribute(label, attribute, got, want):
    """Fails with a message that names the target, the attribute, its value, and the valid values.

    Args:
      label: Label of the target with the invalid attribute.
      attribute: string, the attribute's name.
      got: string, the attribute's value, or a description of it.
      want: string, the valid values. May end with the next step.
    """
    fail("%s: attribute %s: got %s, want %s" % (label_text(label), attribute, got, want))
