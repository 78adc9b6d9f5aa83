# SPDX-License-Identifier: Apache-2.0
"""Analysis tests of the kernel rules: their errors."""

load(
    "//rules:defs.bzl",
    "initramfs",
    "kernel_boot_test",
    "kernel_build",
    "kernel_config",
    "kernel_module",
    "kernel_source",
    "load_attempt",
    "module_tree",
    "modules_install",
    "vmlinux",
)
load("//tests/analysis:declare.bzl", "declare")
load("//toolchains/kernel:absent_config.bzl", "absent_config")
load("//toolchains/kernel:toolchain.bzl", "kernel_toolchain")
load(":toolchains.bzl", "analysis_failure_test", "kernel_failure_test")

visibility("//...")

def _config_tests(name):
    analysis_failure_test(
        name = name + "_compiler",
        attribute = "compiler",
        base = "tinyconfig",
        compiler = "clang",
        error = ["the compiler clang, want one that the kernel toolchain has: gcc"],
        machine = "x86_64",
        rule = kernel_config,
        source = "fixtures_source",
    )
    analysis_failure_test(
        name = name + "_machine",
        attribute = "machine",
        base = "tinyconfig",
        error = ["a kernel for the architecture s390x by gcc, want the compiler clang, or an architecture that the kernel toolchain has GCC for: arm64, x86_64"],
        machine = "s390x",
        rule = kernel_config,
        source = "fixtures_source",
    )
    analysis_failure_test(
        name = name + "_two_bases",
        attribute = "base_file",
        base = "tinyconfig",
        base_file = "fixtures_base",
        error = ["both base and base_file, want one of them"],
        machine = "x86_64",
        rule = kernel_config,
        source = "fixtures_source",
    )
    analysis_failure_test(
        name = name + "_no_base",
        attribute = "base_file",
        error = ["neither base nor base_file, want one of them"],
        machine = "x86_64",
        rule = kernel_config,
        source = "fixtures_source",
    )

def _source_tests(name):
    analysis_failure_test(
        name = name + "_two_sources",
        archive = "fixtures_archive",
        attribute = "srcs",
        error = ["both srcs and archive, want one of them"],
        rule = kernel_source,
        srcs = ["fixtures_sources"],
    )
    analysis_failure_test(
        name = name + "_no_source",
        attribute = "srcs",
        error = ["neither srcs nor archive, want one of them, with files"],
        rule = kernel_source,
    )
    for attribute, value in {"listing": "fixtures_kbuild", "strip_prefix": "linux"}.items():
        analysis_failure_test(
            name = "%s_archive_and_%s" % (name, attribute),
            archive = "fixtures_archive",
            attribute = attribute,
            error = ["%s together with archive, want it only with srcs" % attribute],
            rule = kernel_source,
            **{attribute: value}
        )
    for case, prefix in {"absolute": "/linux", "parent": "linux/../.."}.items():
        analysis_failure_test(
            name = "%s_strip_prefix_%s" % (name, case),
            srcs = ["fixtures_sources"],
            attribute = "strip_prefix",
            error = ["%r, want a directory in the package, without '..'" % prefix],
            rule = kernel_source,
            strip_prefix = prefix,
        )

def _build_tests(name):
    bad_paths = {
        "absolute": "/fs/ext4.ko",
        "compressed": "fs/ext4.ko.xz",
        "empty_part": "fs//ext4.ko",
        "equals": "fs/a=b.ko",
        "line_end": "fs/a\n--out=b.ko",
        "nameless": "fs/.ko",
        "object": "fs/ext4.o",
        "parent": "../ext4.ko",
    }
    for case, path in bad_paths.items():
        analysis_failure_test(
            name = "%s_modules_%s" % (name, case),
            attribute = "modules",
            config = "fixtures_x86_64_config",
            error = [
                repr(path) + ", want paths in the kernel's tree without empty, '.' or '..' parts and without '=' that end in .ko",
            ],
            modules = ["fs/ext4/ext4.ko", path],
            rule = kernel_build,
        )
    analysis_failure_test(
        name = name + "_modules_twice",
        attribute = "modules",
        config = "fixtures_x86_64_config",
        error = ["\"fs/ext4/ext4.ko\" twice, want each module once"],
        modules = ["fs/ext4/ext4.ko", "fs/fat/fat.ko", "fs/ext4/ext4.ko"],
        rule = kernel_build,
    )

def _module_name_tests(name):
    for case, module_name in {"dot": "a.b", "slash": "a/b", "line_end": "a\nb", "space": "a b"}.items():
        analysis_failure_test(
            name = "%s_name_%s" % (name, case),
            srcs = ["fixtures_main"],
            attribute = "module_name",
            error = [repr(module_name) + ", want letters, digits, '_' and '-' only"],
            kernel = "fixtures_x86_64",
            module_name = module_name,
            rule = kernel_module,
        )
    for case, install_dir in {"absolute": "/updates", "empty": "", "parent": "../updates"}.items():
        analysis_failure_test(
            name = "%s_install_dir_%s" % (name, case),
            srcs = ["fixtures_main"],
            attribute = "install_dir",
            error = [repr(install_dir) + ", want a clean relative path such as \"updates\""],
            install_dir = install_dir,
            kernel = "fixtures_x86_64",
            rule = kernel_module,
        )

def _module_tests(name):
    declare(name = name + "_named", files = [name + "_composite.c", name + "_other.c"])
    declare(name = name + "_twins", files = [name + "/twin.c", name + "/twin.S"])
    analysis_failure_test(
        name = name + "_no_srcs",
        srcs = [],
        attribute = "srcs",
        error = ["no .c or .S file, want at least one"],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
    )
    analysis_failure_test(
        name = name + "_headers",
        srcs = ["fixtures_header"],
        attribute = "srcs",
        error = ["no .c or .S file, want at least one"],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
    )
    analysis_failure_test(
        name = name + "_composite",
        srcs = [name + "_named"],
        attribute = "srcs",
        error = [
            "tests/kernel/{0}_composite.c among several sources of the module {0}_composite".format(name),
            "want different names: Kbuild links all sources to %s_composite.o" % name,
            "Next: rename the file, or set module_name",
        ],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
    )
    analysis_failure_test(
        name = name + "_twin_objects",
        srcs = [name + "_twins"],
        attribute = "srcs",
        error = [
            "tests/kernel/{0}/twin.c and tests/kernel/{0}/twin.S, want different names".format(name),
            "Kbuild compiles both to %s/twin.o" % name,
        ],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
    )
    analysis_failure_test(
        name = name + "_elsewhere",
        srcs = ["fixtures_main", "//tests/private:elsewhere"],
        attribute = "srcs",
        error = [
            "tests/private/elsewhere.c, which is not below the package, want sources in this package and below it",
        ],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
    )
    analysis_failure_test(
        name = name + "_textual_hdrs",
        srcs = ["fixtures_main"],
        attribute = "textual_hdrs",
        error = [
            "tests/kernel/fixtures/other/main.c, which is also in srcs, want each file once",
            "files to compile in srcs, files that are only included in textual_hdrs",
        ],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
        textual_hdrs = ["fixtures_textual", "fixtures_main"],
    )
    analysis_failure_test(
        name = name + "_deps",
        srcs = ["fixtures_main"],
        attribute = "deps",
        error = [
            "//tests/kernel:fixtures_arm64_module, which is built against //tests/kernel:fixtures_arm64",
            "want modules for the same kernel, //tests/kernel:fixtures_x86_64",
        ],
        kernel = "fixtures_x86_64",
        rule = kernel_module,
        deps = ["fixtures_x86_64_module", "fixtures_arm64_module"],
    )

def _machine_tests(name):
    module_tree(
        name = name + "_empty_arm64",
        machine = "arm64",
        modules = [],
        tags = ["manual"],
    )
    analysis_failure_test(
        name = name + "_link_machine",
        attribute = "tree",
        error = [
            "//tests/kernel:%s_empty_arm64 for the architecture arm64" % name,
            "want one for x86_64, like //tests/kernel:fixtures_x86_64. Next: set its attribute machine",
        ],
        kernel = "fixtures_x86_64",
        rule = vmlinux,
        tree = name + "_empty_arm64",
    )
    analysis_failure_test(
        name = name + "_two_machines",
        attribute = "modules",
        error = [
            "//tests/kernel:fixtures_x86_64 for x86_64 and //tests/kernel:fixtures_arm64_module for arm64",
            "want modules for one architecture, because a root object is for one",
        ],
        modules = ["fixtures_x86_64", "fixtures_arm64_module"],
        rule = module_tree,
    )
    analysis_failure_test(
        name = name + "_other_machine",
        attribute = "machine",
        error = [
            "s390x together with the member //tests/kernel:fixtures_arm64_module for arm64",
            "want no machine: the members set it",
        ],
        machine = "s390x",
        modules = ["fixtures_arm64_module"],
        rule = module_tree,
    )
    analysis_failure_test(
        name = name + "_initramfs_machine",
        attribute = "machine",
        error = ["arm64 together with //tests/kernel:fixtures_arm64_vmlinux, want no machine: vmlinux sets it"],
        machine = "arm64",
        rule = initramfs,
        script = ["sh"],
        vmlinux = "fixtures_arm64_vmlinux",
    )

def _install_tests(name):
    analysis_failure_test(
        name = name + "_install_prefix",
        attribute = "prefix",
        error = ["\"/usr\", want a clean relative path such as \"usr\""],
        prefix = "/usr",
        rule = modules_install,
        vmlinux = "fixtures_x86_64_vmlinux",
    )
    for attribute, target in {"kernel": "fixtures_x86_64", "tree": "fixtures_x86_64_tree"}.items():
        analysis_failure_test(
            name = "%s_install_%s" % (name, attribute),
            attribute = attribute,
            error = [
                "//tests/kernel:%s, want vmlinux alone, which provides kernel and tree. boot = True installs the kernel too" % target,
            ],
            rule = modules_install,
            vmlinux = "fixtures_x86_64_vmlinux",
            **{attribute: target}
        )

def _boot_tests(name):
    cases = {
        "both": struct(
            attribute = "vmlinux",
            attributes = {"kernel": "fixtures_keys", "vmlinux": "fixtures_arm64_vmlinux"},
            error = "both vmlinux and kernel, want one of them: vmlinux for a target of the rule vmlinux, kernel for another boot image",
        ),
        "kernel": struct(
            attribute = "kernel",
            attributes = {"kernel": "fixtures_arm64_vmlinux"},
            error = "//tests/kernel:fixtures_arm64_vmlinux, a vmlinux, want another boot image. Next: set vmlinux instead of kernel",
        ),
        "machine": struct(
            attribute = "machine",
            attributes = {"machine": "arm64", "vmlinux": "fixtures_arm64_vmlinux"},
            error = "arm64 together with //tests/kernel:fixtures_arm64_vmlinux, want no machine: vmlinux sets it",
        ),
        "neither": struct(
            attribute = "vmlinux",
            attributes = {},
            error = "neither vmlinux nor kernel, want one of them",
        ),
    }
    for case, values in cases.items():
        analysis_failure_test(
            name = "%s_boot_%s" % (name, case),
            size = "small",
            attempts = [load_attempt(name = "any", module = "/m.ko")],
            attribute = values.attribute,
            error = [values.error],
            rule = kernel_boot_test,
            **values.attributes
        )

def _toolchain_tests(name):
    cases = {
        "compilers": struct(values = {"compilers": ["gcc", "tcc"]}, error = "\"tcc\", want some of clang, gcc"),
        "cross_prefixes": struct(
            values = {"cross_prefixes": {"x86": ""}},
            error = "\"x86\", want some of arm, arm64, ppc64le, riscv64, s390x, x86_64",
        ),
        "path": struct(values = {"path": "/usr/bin:bin"}, error = "\"/usr/bin:bin\", want absolute directories, separated by ':'"),
    }
    for attribute, case in cases.items():
        analysis_failure_test(
            name = "%s_%s" % (name, attribute),
            attribute = attribute,
            error = [case.error],
            manifest = "fixtures_base",
            rule = kernel_toolchain,
            **({"cross_prefixes": {"x86_64": ""}} | case.values)
        )

def _absent_config_test(name):
    """A configuration that a source does not have."""
    message = "linux.source(name = \"linux\"): got a source by urls, want a source of Debian"
    absent_config(name = name, message = message, tags = ["manual"])
    kernel_failure_test(
        name = name + "_test",
        error = ["//tests/kernel:%s: %s" % (name, message)],
        target_under_test = name,
    )

def failure_tests(name):
    """Tests of each analysis error of the kernel rules.

    Args:
      name: string, what the tests' names begin with.
    """
    _source_tests(name)
    _config_tests(name)
    _build_tests(name)
    _module_name_tests(name)
    _module_tests(name)
    _machine_tests(name)
    _install_tests(name)
    _boot_tests(name)
    _toolchain_tests(name + "_toolchain")
    _absent_config_test(name + "_absent_config")
