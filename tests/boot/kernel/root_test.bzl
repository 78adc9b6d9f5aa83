# SPDX-License-Identifier: Apache-2.0
"""A test that a root which was written into a kernel makes it the kernel that is linked with the root."""

load("@rules_go//go:def.bzl", "go_test")

visibility("//tests/...")

def root_test(name, kernel, tree, linked, overwritten, differ = []):
    """Compares the kernel with the blank root, the linked one and the overwritten one, and reads their roots.

    Args:
      name: string.
      kernel: label of the `kernel_build`.
      tree: label of the `module_tree`.
      linked: label of the `vmlinux` with `root = "link"`.
      overwritten: label of the `vmlinux` with `root = "overwrite"`.
      differ: list of strings, prefixes of the names of sections in which linked and overwritten kernel may differ. Empty:
        only the build ID differs.
    """
    files = {"BLANK": (kernel, "vmlinux"), "ROOT_OBJECT": (tree, "root_object"), "TREE": (tree, "tree")}
    for variable, target in {"LINKED": linked, "OVERWRITTEN": overwritten}.items():
        files |= {
            variable + "_IMAGE": (target, "image"),
            variable + "_VMLINUX": (target, "vmlinux"),
            variable + "_VMLINUX_UNSTRIPPED": (target, "unstripped"),
        }
    for variable, (target, group) in files.items():
        native.filegroup(
            name = "%s_%s" % (name, variable.lower()),
            srcs = [target],
            output_group = group,
        )
    labels = {variable: ":%s_%s" % (name, variable.lower()) for variable in files}
    blank = "%s/%s/" % (Label(kernel).package, Label(kernel).name)
    go_test(
        name = name,
        srcs = ["root_test.go"],
        data = labels.values(),
        env = {variable: "$(rootpath %s)" % label for variable, label in labels.items() if variable != "BLANK"} | {
            "BLANK_VMLINUX": blank + "vmlinux",
            "BLANK_VMLINUX_UNSTRIPPED": blank + "vmlinux.unstripped",
            "DIFFER": " ".join(differ),
            "SYSTEM_MAP": blank + "System.map",
        },
        deps = [
            "//tests/private/runfile",
            "//tools/merkle/root",
            "//tools/merkle/root/object",
        ],
    )
