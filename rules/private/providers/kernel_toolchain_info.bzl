# SPDX-License-Identifier: Apache-2.0
"""KernelToolchainInfo: which programs build kernels and modules."""

visibility("//...")

DOC = "Which programs build kernels and modules: the field `kernel_info` of kernel toolchains."

FIELDS = {
    "compilers": "list of strings: compilers that there are, of `gcc` and `clang`.",
    "cross_prefixes": """\
dict of string to string: for each machine that kernels can be built for, what the names of its GCC and binary
tools begin with. Empty for the machine that actions run on.""",
    "manifest": "File that changes whenever one of the programs does: an input of each action that runs them.",
    "path": "string: absolute folders that the programs are in, with `:` between them.",
}

KernelToolchainInfo = provider(doc = DOC, fields = FIELDS)
