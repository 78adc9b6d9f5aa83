# SPDX-License-Identifier: Apache-2.0
"""The `kernel_tools` module extension: a kernel toolchain of what this machine has."""

load("//toolchains/private:host.bzl", "digest_files", "find_program", "host_machine")
load("//toolchains/world:manifest.bzl", "MANIFEST")
load("//tools/arch:arch.bzl", "CROSS_PREFIXES")

visibility("//toolchains/kernel/...")

_PATH = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]

# What Kbuild and the rules run, beside each machine's compiler and binary tools.
_PROGRAMS = [
    "awk",
    "bash",
    "bc",
    "bison",
    "cpio",
    "depmod",
    "find",
    "flex",
    "gzip",
    "ld.lld",
    "lz4",
    "m4",
    "make",
    "openssl",
    "pahole",
    "patch",
    "perl",
    "python3",
    "sed",
    "sh",
    "tar",
    "xz",
    "zstd",
]

_BINARY_TOOLS = ["ar", "as", "ld", "nm", "objcopy", "objdump", "readelf", "strip"]

_BUILD = """\
load("@rules_modhash//toolchains/kernel:toolchain.bzl", "kernel_toolchain")

package(default_visibility = ["//visibility:public"])

kernel_toolchain(
    name = "host",
    compilers = {compilers},
    cross_prefixes = {prefixes},
    manifest = "manifest.tsv",
    path = "{path}",
)
"""

def _find(rctx, name):
    return find_program(rctx, _PATH, name)

def _prefixes(rctx):
    """Machines that there is a GCC for."""
    host = host_machine(rctx)
    prefixes = {host: ""} if _find(rctx, "gcc") else {}
    for machine, prefix in CROSS_PREFIXES.items():
        if machine not in prefixes and _find(rctx, prefix + "gcc"):
            prefixes[machine] = prefix
    return prefixes

def _compiler_parts(rctx, compilers):
    """Paths of what compilers run: the compiler proper, assembler and linker."""
    paths = []
    for compiler in compilers:
        for part in ["cc1", "cc1plus", "collect2"]:
            result = rctx.execute([_find(rctx, compiler), "-print-prog-name=" + part])

            # What is not there is printed as it was asked for.
            if result.return_code == 0 and result.stdout.startswith("/"):
                paths.append(rctx.path(result.stdout.strip()))
    return [path for path in paths if path.exists]

def _libraries(rctx, files):
    """Paths of the dynamic libraries that programs are loaded with."""
    ldd = _find(rctx, "ldd")
    if not ldd:
        return []

    # Fails where one of the files is a script, which has none.
    lines = rctx.execute([ldd] + files).stdout.splitlines()
    found = {line.partition(" => ")[2].partition(" ")[0]: None for line in lines if " => /" in line}
    return [rctx.path(path) for path in found]

def _real_paths(paths):
    return [str(path.realpath) for path in paths]

def _digests(rctx, programs):
    """Lines `program PATH SHA256` of the manifest: programs, what they run, and their dynamic libraries."""
    compilers = [program for program in programs if program.endswith("gcc") and _find(rctx, program)]
    paths = [_find(rctx, program) for program in programs]
    files = _real_paths([path for path in paths if path] + _compiler_parts(rctx, compilers))
    files = sorted({file: None for file in files + _real_paths(_libraries(rctx, files))})
    return ["program\t%s\t%s" % (file, digest) for file, digest in digest_files(rctx, files).items()]

def _packages(rctx):
    """Lines of the manifest with each package's version, and its digest where that is on record."""
    world = rctx.path(MANIFEST)
    if world.exists:
        rctx.watch(world)
        return [line for line in rctx.read(world).splitlines() if line.startswith("package\t")]
    if not _find(rctx, "dpkg-query"):
        return []
    status = rctx.path("/var/lib/dpkg/status")
    if status.exists:
        rctx.watch(status)
    result = rctx.execute(["dpkg-query", "--show", "--showformat=package\\t${Package}\\t${Version}\\t${Architecture}\\n"])
    return result.stdout.splitlines() if result.return_code == 0 else []

def _kernel_tools_repository_impl(rctx):
    prefixes = _prefixes(rctx)
    clang = bool(_find(rctx, "clang") and _find(rctx, "ld.lld") and _find(rctx, "llvm-strip"))
    programs = _PROGRAMS + ["clang", "g++", "llvm-objcopy", "llvm-readelf", "llvm-strip"]
    for prefix in prefixes.values():
        programs += [prefix + tool for tool in _BINARY_TOOLS + ["gcc"]]
    manifest = _packages(rctx) + _digests(rctx, programs)
    rctx.file("manifest.tsv", "".join([line + "\n" for line in manifest]), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(
        compilers = (["gcc"] if prefixes else []) + (["clang"] if clang else []),
        path = ":".join(_PATH),
        prefixes = prefixes,
    ), executable = False)

_kernel_tools_repository = repository_rule(
    implementation = _kernel_tools_repository_impl,
    doc = "Finds what builds kernels, and writes down what it is.",
    local = True,
)

def _kernel_tools_impl(_module_ctx):
    _kernel_tools_repository(name = "rules_modhash_kernel_tools")

kernel_tools = module_extension(
    doc = """\
Compilers, binary tools and make of this machine, as a kernel toolchain. What is not there is an error of the
target that needs it only.

`rules_modhash` itself uses and registers it: other modules need to do nothing.
""",
    implementation = _kernel_tools_impl,
)
