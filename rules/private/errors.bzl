# SPDX-License-Identifier: Apache-2.0
"""How rules report bad attributes, and how they name targets."""

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
    """Fails with a message that names target, attribute, what is there and what would be right.

    Args:
      label: Label of the target with the bad attribute.
      attribute: string, the attribute's name.
      got: string, what the attribute holds, in the reader's words.
      want: string, what would be right; may go on with the next step to take.
    """
    fail("%s: attribute %s: got %s, want %s" % (label_text(label), attribute, got, want))
