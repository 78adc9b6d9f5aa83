# SPDX-License-Identifier: Apache-2.0
"""The page docs/reference/kernels.md, from the table of cells."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(":cells.bzl", "APPLIES", "BOOTS")

visibility("private")

_HEAD = """\
<!-- Generated from tests/matrix/cells.bzl. To update it, run: bazel run //docs:update -->

# Kernels

Versions of Linux, architectures and compilers, and what is tested of each combination:

- **applies**: the [kernel patches](../../toolchains/kernel/patches/README.md) apply exactly to the source of Debian.
  `./bazelw test //tests/kernel:sources_test` checks this.
- **builds**: they apply, and a small kernel builds, with sealed modules that match its root.
- **boots**: the kernel boots in QEMU too. It loads its sealed modules, also compressed ones, and
  rejects unsealed and tampered modules. The root in its log is that of its boot image.
  `./bazelw test --config=full //tests/matrix:{name}_boot_test` checks this for one kernel, and
  `//tests/matrix:all` for all of them.

A new world has no QEMU for {added}. Commands with `--config=full` add it, and so does
`./bazelw --add-machines {first}`.

"""

def _rows(cells):
    """A row for each architecture and compiler."""
    rows = {}
    for cell in cells:
        rows.setdefault((cell.machine, cell.compiler), []).append(cell)
    return [
        "| %s | %s | %s | %s |" % (
            machine,
            compiler,
            " | ".join([cell.state if cell.state == APPLIES else "**%s**" % cell.state for cell in row]),
            "; ".join({cell.reason: None for cell in row if cell.reason}.keys()),
        )
        for (machine, compiler), row in rows.items()
    ]

def matrix_page(name, cells, added, **kwargs):
    """Writes the page.

    Args:
      name: string, of the target and, with `.md`, of the file.
      cells: list, as cells() returns it.
      added: list of strings, the architectures that `./bazelw --add-machines` takes.
      **kwargs: common attributes.
    """
    series = {cell.series: None for cell in cells}.keys()
    booted = [cell for cell in cells if cell.state == BOOTS]
    head = _HEAD.format(added = " and ".join([", ".join(added[:-1]), added[-1]]), first = " ".join(added), name = booted[0].name)
    columns = ["architecture", "compiler"] + series + ["why not more"]
    write_file(
        name = name,
        out = name + ".md",
        content = head.split("\n")[:-1] + [
            "| %s |" % " | ".join(columns),
            "|" + " --- |" * len(columns),
        ] + _rows(cells) + [""],
        **kwargs
    )
