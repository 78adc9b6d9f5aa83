# SPDX-License-Identifier: Apache-2.0
"""The `kernel_tools` module extension: a kernel toolchain of the programs on this machine."""

load("//toolchains/private:host.bzl", "digest_files", "find_program", "host_machine")
load("//toolchains/world:manifest.bzl", "MANIFEST")
load("//tools/arch:arch.bzl", "CROSS_PREFIXES")

visibility("//toolchains/kernel/...")

_PATH = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]

# Programs that Kbuild and the rules run, in addition to the compiler and binary tools of each architecture.
_PROGRAMS = [
    "awk",
    "bash",
    "bc",
    "bindgen",
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
    "rustc",
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
    """Architectures with a GCC on this machine, and their prefixes."""
    host = host_machine(rctx)
    prefixes = {host: ""} if _find(rctx, "gcc") else {}
    for machine, prefix in CROSS_PREFIXES.items():
        if machine not in prefixes and _find(rctx, prefix + "gcc"):
            prefixes[machine] = prefix
    return prefixes

def _compiler_parts(rctx, compilers):
    """Paths of the programs that compilers run."""
    paths = []
    for compiler in compilers:
        for part in ["cc1", "cc1plus", "collect2"]:
            result = rctx.execute([_find(rctx, compiler), "-print-prog-name=" + part])

            # If a part does not exist, the compiler prints only its name.
            if result.return_code == 0 and result.stdout.startswith("/"):
                paths.append(rctx.path(result.stdout.strip()))
    return [path for path in paths if path.exists]

def _libraries(rctx, files):
    """Paths of the dynamic libraries of programs."""
    ldd = _find(rctx, "ldd")
    if not ldd:
        return []

    # ldd fails if one of the files is a script.
    lines = rctx.execute([ldd] + files).stdout.splitlines()
    found = {line.partition(" => ")[2].partition(" ")[0]: None for line in lines if " => /" in line}
    return [rctx.path(path) for path in found]

def _real_paths(paths):
    return [str(path.realpath) for path in paths]

def _lines(rctx, command):
    """The lines that a program prints, or none if it is missing or fails."""
    program = _find(rctx, command[0])
    result = rctx.execute([program] + command[1:]) if program else None
    return result.stdout.splitlines() if result and result.return_code == 0 else []

def _clang_libraries(rctx):
    """Paths of the libraries of Clang, which bindgen opens at run time."""
    if not _find(rctx, "bindgen"):
        return []
    paths = [line.partition(" => ")[2] for line in _lines(rctx, ["ldconfig", "-p"]) if line.strip().startswith("libclang")]
    return [rctx.path(path) for path in paths if path]

# Prints a digest of all files in a directory, their names included.
_TREE_DIGEST = """\
cd "$1" && find . -type f -print0 | LC_ALL=C sort --zero-terminated | xargs --null --no-run-if-empty sha256sum | sha256sum
"""

def _rust_trees(rctx):
    """Lines `tree DIRECTORY SHA256` of the manifest: the source of Rust's library that Kbuild compiles, and the compiled library."""
    sysroot = _lines(rctx, ["rustc", "--print", "sysroot"])
    library = _lines(rctx, ["rustc", "--print", "target-libdir"])
    lines = []
    for directory in ([sysroot[0] + "/lib/rustlib/src/rust/library"] if sysroot else []) + library:
        if rctx.path(directory).exists:
            result = rctx.execute([_find(rctx, "sh"), "-c", _TREE_DIGEST, "sh", directory])
            if result.return_code != 0:
                fail("reading Rust's library in %s: %s" % (directory, result.stderr))
            lines.append("tree\t%s\t%s" % (directory, result.stdout[:64]))
    return lines

def _digests(rctx, programs):
    """Lines `program PATH SHA256` of the manifest: programs, the programs they run, and their dynamic libraries."""
    compilers = [program for program in programs if program.endswith("gcc") and _find(rctx, program)]
    paths = [_find(rctx, program) for program in programs]
    files = _real_paths([path for path in paths if path] + _compiler_parts(rctx, compilers) + _clang_libraries(rctx))
    files = sorted({file: None for file in files + _real_paths(_libraries(rctx, files))})
    return ["program\t%s\t%s" % (file, digest) for file, digest in digest_files(rctx, files).items()]

def _packages(rctx):
    """Lines of the manifest with the version of each package, and in a world its digest."""
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
    manifest = _packages(rctx) + _digests(rctx, programs) + _rust_trees(rctx)
    rctx.file("manifest.tsv", "".join([line + "\n" for line in manifest]), executable = False)
    rctx.file("BUILD.bazel", _BUILD.format(
        compilers = (["gcc"] if prefixes else []) + (["clang"] if clang else []),
        path = ":".join(_PATH),
        prefixes = prefixes,
    ), executable = False)

_kernel_tools_repository = repository_rule(
    implementation = _kernel_tools_repository_impl,
    doc = "Finds the programs that build kernels, and records their versions and digests.",
    local = True,
)

def _kernel_tools_impl(_module_ctx):
    _kernel_tools_repository(name = "rules_modhash_kernel_tools")

kernel_tools = module_extension(
    doc = """\
Compilers, binary tools and make of this machine, as a kernel toolchain. A missing program is an error only in a
target that needs it.

`rules_modhash` itself uses and registers it. Other modules need no declaration.
""",
    implementation = _kernel_tools_impl,
)
