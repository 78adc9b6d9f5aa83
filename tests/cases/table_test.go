// SPDX-License-Identifier: Apache-2.0

package cases

// Packages whose tests the table names.
const (
	audit     = "tools/system/audit"
	image     = "tools/merkle/root/image"
	codec     = "tools/archive/codec"
	elfdiff   = "tools/system/diff/elfdiff"
	gazelle   = "tools/gazelle/modhash"
	initramfs = "tools/archive/initramfs"
	kbuild    = "tools/kernel/kbuild"
	modhash   = "tools/merkle/cmd/modhash"
	module    = "tools/merkle/module"
	modules   = "tools/merkle/modules"
	root      = "tools/merkle/root"
	rootfs    = "tools/archive/rootfs"
	trailer   = "tools/merkle/trailer"
	unpack    = "tools/system/unpack"
)

// situation is one that public bug reports of kernels, modules and initramfs describe.
type situation struct {
	number int
	text   string
	// tests check it, in the form "package: Test/case". A case is a subtest, or a text archive in testdata.
	tests []string
}

// in returns tests of one package.
func in(pkg string, tests ...string) (all []string) {
	for _, t := range tests {
		all = append(all, pkg+": "+t)
	}
	return all
}

func and(lists ...[]string) (all []string) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// situations is the table.
var situations = []situation{
	{1, "directories behind symbolic links are searched as depmod does, also where kernel itself is a link",
		and(in(modhash, "TestScripts/case_systems", "TestScripts/links"), in(audit, "TestFound/linked directory", "TestPlanted"), in(rootfs, "TestWalkReachesEverything"))},
	{2, "a module in an initramfs has several names by hard links, and any of them has the contents",
		and(in(audit, "TestFound/hard links in an initramfs", "TestFound/hard link to what is a module by one name alone",
			"TestFound/hard link whose first name states a compression", "TestFound/hard link whose name states another compression"),
			in(initramfs, "TestHardLinks", "TestRandomArchives"))},
	{3, "unified kernel images: microcode sections, addons, several profiles",
		and(in(modhash, "TestScripts/case_systems"), in(audit, "TestFound/microcode of a unified kernel image", "TestFound/addon", "TestFound/second profile"), in(image, "TestSections"))},
	{4, "images of file systems in an initramfs are reported as not examined", and(in(audit, "TestFound/squashfs in an initramfs"), in("tools/archive/container", "TestOf"))},
	{5, "kernels and initramfs where ostree, NixOS, systemd-boot and boards have them, and such that the user names",
		and(in(modhash, "TestScripts/case_systems"), in(audit, "TestKernelsAnywhere", "TestNamed", "TestPlanted"))},
	{6, "a unified kernel image has no section .uname, or a wrong one: the release is that of its kernel",
		and(in(modhash, "TestScripts/case_systems"), in(root, "TestReadImages/UKI without .uname", "TestUnameForCandidates"), in(audit, "TestFound/release that .uname has wrong"))},
	{7, "a placeholder in place of System.map does not hide the real one, and vmlinuz-lts names no release",
		and(in(modhash, "TestScripts/case_images", "TestScripts/images"), in(root, "TestUnfitCandidate"))},
	{8, "flags in variables that Gazelle has no attribute for are taken over or reported",
		in(gazelle, "TestCases/flags_of_kbuild_variables", "TestEachFlagIsAccountedFor")},
	{9, "files that flags and included makefiles name are inputs", in(gazelle, "TestCases/inputs_of_flags_and_makefiles", "TestEachIncludedFileIsAnInput")},
	{10, "a symbol that the outer make sets switches a module off without it: reported", in(gazelle, "TestCases/switches")},
	{11, "modules against sources of Linux 6.1 to 6.12 that were never configured", in(gazelle, "TestCases/kernel_6_12", "TestCases/kernel_7_2")},
	{12, "two signatures on one module",
		and(in(modhash, "TestScripts/case_trailers", "TestScripts/unseal", "TestScripts/inspect"), in(trailer, "TestRandomStacks"), in(audit, "TestFurtherTrailers"))},
	{13, "the same source, compiled with debug information in two directories",
		in(elfdiff, "TestBuildPathInAnyDirectories", "TestRandomBuildPaths", "TestCauses/build path in debug information")},
	{14, "xz data with the filters for ARM64 and RISC-V", in(codec, "TestXZFilters", "TestXZTool")},
	{15, "bytes after compressed data, as in Image.gz-dtb",
		and(in(modhash, "TestScripts/case_systems"), in(codec, "TestBytesAfter"), in(audit, "TestBehindCompressed"))},
	{16, "a boot configuration after the archives of an initramfs", in(initramfs, "TestBootConfig", "TestBootConfigErrors")},
	{17, "a makefile includes a file outside of the repository", in(gazelle, "TestCases/includes_that_are_not_read")},
	{18, "absolute links resolve inside the root directory",
		and(in(modhash, "TestScripts/case_systems", "TestScripts/links"), in(audit, "TestFound/absolute link"), in(rootfs, "TestOpenFile"))},
	{19, "Images of riscv64 and zImages of arm, both with a stub for EFI",
		and(in(modhash, "TestScripts/case_images", "TestScripts/images"), in(root, "TestReadImages/riscv64 Image", "TestReadImages/zImage with a stub for EFI"), in(image, "TestKindOf"))},
	{20, "diff of packages of two architectures reports that", and(in(elfdiff, "TestOtherMachine"), in(modhash, "TestScripts/diff"))},
	{21, "a compressed vmlinux is of the release that its name has ahead of the suffix",
		and(in(modhash, "TestScripts/case_systems"), in(audit, "TestKernelsAnywhere", "TestRelease", "TestReleaseInPath"))},
	{22, "an initramfs that is compressed by bzip2, lzma or lzop", in(initramfs, "TestTools", "TestRead")},
	{23, "a module with a zstd window of 128 MiB", in(codec, "TestLargestWindow")},
	{24, "a module of several zstd frames, with skippable ones", in(module, "TestCompressedForms")},
	{25, "a module in xz with any check, several streams, padding and filters",
		and(in(module, "TestCompressedForms", "TestDecompression"), in(codec, "TestXZTool"))},
	{26, "a module of several gzip members with all optional header fields", in(module, "TestCompressedForms")},
	{27, "the Kbuild reader lists the modules of a kernel in order; on our own trees here, on the example's kernel in tests/gazelle",
		and(in(kbuild, "TestTrees/kernel", "TestTrees/sources"), in("tests/gazelle", "TestModulesOfExample"))},
	{28, "the same for what is undecided in a kernel's tree; our own trees in place of Linux 6.12", in(kbuild, "TestTrees/undecided", "TestKernelErrors")},
	{29, "the same as GNU Make evaluates it; our own makefiles in place of Linux 6.1", in("tools/kernel/kbuild/gnumake", "TestAsGNUMake")},
	{30, "tree --order with a modules.order of any form; of our own making in place of Debian's",
		and(in(modules, "TestArrange", "TestReadOrderErrors"), in(modhash, "TestScripts/order"))},
	{31, "audit of whole systems never crashes and never passes what is unsealed; random systems in place of real ones",
		in(audit, "TestPlanted", "TestHostileFiles", "TestZeroVerdict")},
	{32, "diff of two builds: another order of symbols alone", in(elfdiff, "TestCauses/symbol order")},
	{33, "a unified kernel image with several compressed initramfs", in(audit, "TestPlanted")},
	{34, "microcode, plain and compressed archives in any order",
		and(in(modhash, "TestScripts/audit"), in(initramfs, "TestRead", "TestRandomArchives"))},
	{35, "dracut keeps proofs, as sealed modules end in the marker of signatures", in(modhash, "TestScripts/case_trailers")},
	{36, "diff of deb in six compressions, pacman, apk and what rpm2archive makes", in(unpack, "TestPackages/deb, bzip2", "TestOldTar")},
	{37, "diff of two builds: another build-id alone", in(elfdiff, "TestCauses/build path that was stripped")},
	{38, "livepatch symbols; compressed and split debug information; modules of more than 65,279 sections, whose header has the count 0, are refused",
		and(in(elfdiff, "TestBuildPathWithLivepatchSymbols", "TestBuildPathInSplitDebugInformation", "TestBuildPathInAnyDirectories/compressed"), in(module, "TestScanRefuses/no sections"))},
	{39, "names of modules with blanks, umlauts, quotes, newlines and invalid UTF-8", in(modhash, "TestNamesOfModules", "TestNamesThatNoTreeHas")},
	{40, "a link to nothing does not end verify", in(modhash, "TestScripts/case_systems", "TestScripts/links")},
	{41, "modules below a real directory build or source do not count", in(modhash, "TestScripts/case_systems", "TestScripts/links")},
	{42, "Gazelle on external modules of many sources; our own in place of published ones", in(kbuild, "TestTrees/external", "TestTrees/external_kernel")},
	{43, "Gazelle on the idioms of external modules; our own in place of published ones",
		and(in(kbuild, "TestTrees/external_unknown", "TestTrees/external_unset"), in(gazelle, "TestLooksLikeKbuild"))},
	{44, "binary objects that a module ships are reported", in(kbuild, "TestTrees/sources")},
	{45, "a thin stub names a kernel and an initramfs that lie elsewhere",
		and(in(modhash, "TestScripts/case_systems"), in(audit, "TestFound/thin stub", "TestFound/thin stub with paths in .linux and .initrd"))},
	{46, "signatures of the size of ML-DSA, and old ones of X.509",
		and(in(modhash, "TestScripts/case_trailers"), in(trailer, "TestSplit/old X.509 signature"))},
	{47, "Images in lz4, zstd, bzip2 and lzma, and zboot images", and(in(root, "TestCompressions", "TestReadImages/vmlinuz.efi"), in(image, "TestKernel"))},
}
