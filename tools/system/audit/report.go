// SPDX-License-Identifier: Apache-2.0

// Package audit checks a whole installed system, or the unpacked image of one: which kernels it has, whether each
// carries a root, and whether every module, installed or inside an initramfs, is one that its kernel will take.
//
// It accounts for everything: each file below the directories of modules and of boot loaders, each link, member of an
// archive and section of an EFI program becomes a Class by its contents, whatever its name (account.go), and what was
// not looked into keeps the report from being clean.
//
// The system is not trusted and is not run. Its symbolic links resolve inside of it, as after chroot(2) (package rootfs).
// Whatever is wrong with a file is part of the report; what else there is to check is checked all the same.
package audit

import (
	"cmp"

	"rules_modhash/tools/archive/initramfs"
)

// Status states what a module is to the kernel of its release.
type Status string

// The statuses of modules.
const (
	// Verified modules carry a proof that leads to the root of each kernel of their release.
	Verified Status = "verified"
	// Stripped modules belong to the kernel, but lost the proof at their end.
	Stripped Status = "stripped"
	// OtherBuild modules carry a proof that leads to another root.
	OtherBuild Status = "other build"
	// Altered modules carry a proof of this build, but have other bytes than were sealed.
	Altered Status = "altered"
	// Misplaced modules are sealed, but stand where another module belongs.
	Misplaced Status = "misplaced"
	// Signed modules carry a PKCS#7 or another signature in place of a proof.
	Signed Status = "signed"
	// Unsigned modules carry nothing.
	Unsigned Status = "unsigned"
	// Malformed modules carry something that no kernel accepts.
	Malformed Status = "malformed"
	// Unreadable modules cannot be read to their end.
	Unreadable Status = "unreadable"
	// Unchecked modules are sealed, but no kernel of their release is there to check them against.
	Unchecked Status = "unchecked"
)

// Statuses are all of them, the good one first.
var Statuses = []Status{
	Verified, Stripped, OtherBuild, Altered, Misplaced, Signed, Unsigned, Malformed, Unreadable, Unchecked,
}

// Report is the outcome of an audit. It is its own JSON form. Paths are relative to the root directory.
type Report struct {
	// Clean reports that there is a kernel, that each kernel has a root, that all modules are verified, and that nothing
	// was left unexamined that could hold a module or a kernel.
	Clean bool `json:"clean"`
	// Counts are the numbers of modules of each status.
	Counts map[Status]int `json:"counts"`
	// Kernels, directories of modules, and initramfs, each in bytewise order of paths.
	Kernels   []Kernel    `json:"kernels"`
	Installed []Modules   `json:"installed"`
	Initramfs []Initramfs `json:"initramfs"`
	// Problems are about the system as a whole.
	Problems []Problem `json:"problems"`
	// NotExamined are entries that could hold a module or a kernel and were not looked into, with the reasons, in
	// bytewise order of paths. What is inside of a file has the path "FILE!/NAME".
	NotExamined []Problem `json:"not_examined"`
	// Ignored are entries that match a pattern of the user, which stands as the reason.
	Ignored []Problem `json:"ignored"`
	// Entries counts all files, links, members of archives and sections of EFI programs by what became of them.
	Entries map[Class]int `json:"entries"`
}

// Kernel is a kernel image.
type Kernel struct {
	Path string `json:"path"`
	// Release is stated by the image, or by the path; "" if neither does.
	Release string `json:"release,omitempty"`
	// Format, Levels and Root are those of the root that it carries; "" if it carries none.
	Format string `json:"format,omitempty"`
	Levels uint32 `json:"levels,omitempty"`
	Root   string `json:"root,omitempty"`
	// Problem states why there is no root.
	Problem string `json:"problem,omitempty"`
}

// Modules are the modules in one place.
type Modules struct {
	// Path of the directory or initramfs that they are in.
	Path string `json:"path"`
	// Release of the kernel that is meant to load them, "" if it is not known.
	Release string   `json:"release,omitempty"`
	Modules []Module `json:"modules"`
	// Problems are about files other than modules.
	Problems []Problem `json:"problems,omitempty"`
}

// Initramfs is the archives that a boot loader hands to a kernel, and the modules in them.
type Initramfs struct {
	Modules
	Archives []initramfs.Segment `json:"archives"`
}

// Module is one module.
type Module struct {
	// Path relative to the directory or inside the initramfs.
	Path   string `json:"path"`
	Status Status `json:"status"`
	// Reason states more, unless the module is verified.
	Reason string `json:"reason,omitempty"`
	// Further is the number of trailers below the outermost one, which the kernel takes for bytes of the module.
	Further int `json:"further_trailers,omitempty"`
	// BytesAfter is the number of bytes that follow the compressed data, which kmod and the kernel do not read.
	BytesAfter int64 `json:"bytes_after,omitempty"`
}

// Problem is something wrong that is not about a module.
type Problem struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// finish counts, and decides whether all is well.
func (r *Report) finish(a *account) {
	r.NotExamined, r.Ignored, r.Entries = settle(a.open), settle(a.ignored), map[Class]int{}
	for class, n := range a.counts {
		r.Entries[cmp.Or(class, "not examined")] = n
	}
	r.Clean = len(r.Kernels) > 0 && len(r.Problems) == 0 && a.counts[NotExamined] == 0
	r.Counts = map[Status]int{}
	for _, k := range r.Kernels {
		r.Clean = r.Clean && k.Problem == ""
	}
	for _, m := range r.Installed {
		r.count(m)
	}
	for _, i := range r.Initramfs {
		r.count(i.Modules)
	}
	if r.Counts[Verified] == 0 {
		r.Clean = false
	}
}

func (r *Report) count(m Modules) {
	r.Clean = r.Clean && len(m.Problems) == 0
	for _, module := range m.Modules {
		r.Counts[module.Status]++
		r.Clean = r.Clean && module.Status == Verified
	}
}
