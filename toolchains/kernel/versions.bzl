# SPDX-License-Identifier: Apache-2.0
"""Linux versions, as kernel.org and distributions write them."""

visibility([
    "//rules/...",
    "//tests/kernel/...",
    "//toolchains/kernel/...",
])

_DIGITS = "0123456789"

def _leading_digits(text):
    return text[:len(text) - len(text.lstrip(_DIGITS))]

def linux_series(version):
    """The series that a version belongs to: its first two numbers.

    Args:
      version: string such as `7.2.12`, `7.2.12-1`, `7.3-rc7` or `7.3~rc7-1~exp1`.

    Returns:
      string such as `7.2`, or None if the version does not start with two numbers.
    """
    major = _leading_digits(version)
    rest = version[len(major):]
    minor = _leading_digits(rest[1:])
    after = rest[1 + len(minor):]
    if not (major and rest.startswith(".") and minor) or (after and after[0] not in "+-.~"):
        return None
    return "%s.%s" % (major, minor)

def linux_series_order(series):
    """A key to sort series by: 7.10 comes after 7.2.

    Args:
      series: string, as linux_series returns it.

    Returns:
      tuple of numbers.
    """
    return tuple([int(number) for number in series.split(".")])

def makefile_version(text):
    """The version in the Makefile of a kernel.

    Args:
      text: string, the Makefile.

    Returns:
      string such as `7.2.12` or `7.3.0-rc7`, or None if the Makefile has none.
    """
    numbers = {}
    for line in text.split("\n")[:20]:
        name, equals, value = line.partition("=")
        if equals:
            numbers.setdefault(name.strip(), value.strip())
    if not numbers.get("VERSION") or not numbers.get("PATCHLEVEL"):
        return None
    return ".".join([
        numbers["VERSION"],
        numbers["PATCHLEVEL"],
        numbers.get("SUBLEVEL") or "0",
    ]) + numbers.get("EXTRAVERSION", "")
