# SPDX-License-Identifier: Apache-2.0
"""KernelToolchainInfo: the programs that build kernels and modules."""

visibility("//...")

DOC = "The programs that build kernels and modules: the field `kernel_info` of kernel toolchains."

FIELDS = {
    "compilers": "list of strings: the available compilers, of `gcc` and `clang`.",
    "cross_prefixes": """\
dict of string to string: for each supported architecture, the prefix of the names of its GCC and binary tools.
Empty for the architecture that actions run on.""",
    "manifest": "File that changes if one of the programs changes: an input of each action that runs them.",
    "path": "string: absolute directories of the programs, separated by `:`.",
}

KernelToolchainInfo = provider(doc = DOC, fields = FIELDS)
