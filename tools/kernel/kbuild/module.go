// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"path"
	"strings"

	"rules_modhash/tools/kernel/kbuild/gnumake"
)

// A Diagnostic is a place in a Makefile and what could not be decided there, or what is
// wrong with it.
type Diagnostic = gnumake.Diagnostic

// A Result is what Kbuild makes of a source tree.
type Result struct {
	// Modules in the order of modules.order.
	Modules []Module
	// Directories that Kbuild descends into, parents first, in order of descent.
	Directories []Directory
	// Diagnostics in the order of Directories. Without any, Modules is complete and exact.
	Diagnostics []Diagnostic
	// Version is the kernel's, of external modules only.
	Version Version
	// InKernel is set if make works in the kernel's tree: relative flags count from there.
	InKernel bool
}

// A Module is one loadable module.
type Module struct {
	// Object is its line in modules.order, relative to the tree: "drivers/net/tun.o".
	Object string
	// Directory is that of the Makefile that lists it, "." for the top.
	Directory string
	// Composite modules are linked from the parts that NAME-objs, NAME-y and NAME-m list;
	// others are one object that has their name.
	Composite bool
	// Parts in link order, each once.
	Parts []Part
	// Variables names what else the Makefile states of the link of this module alone: its
	// LDFLAGS_NAME.o. Of external modules only. Words are their values.
	Variables, Words []string
}

// File returns the path of the module's file relative to the tree: "drivers/net/tun.ko".
func (m Module) File() string {
	return strings.TrimSuffix(m.Object, ".o") + ".ko"
}

// Name returns the file's name without its suffix: "tun". A dash in it is an underscore
// to the module loader.
func (m Module) Name() string {
	return strings.TrimSuffix(path.Base(m.Object), ".o")
}

// A Part is one object of a module.
type Part struct {
	// Object is its path relative to the tree, clean.
	Object string
	// Source is the .c, .S or .rs file it is compiled from, relative to the tree; empty if
	// a rule makes the object itself or none was found, which is a diagnostic of the kernel's
	// modules only.
	Source string
	// CFlags are the words of CFLAGS_NAME.o; of external modules only.
	CFlags []string
	// Variables names what else the Makefile states of how this object alone is made, such as
	// CFLAGS_REMOVE_NAME.o or KASAN_SANITIZE_NAME.o; of external modules only. Words are
	// their values.
	Variables, Words []string
	// Generated is set where Source, or the object itself, is made during the build.
	Generated bool
}

// A Directory is one that Kbuild descends into.
type Directory struct {
	// Path relative to the tree, as Kbuild spells it; "." for the top.
	Path string
	// Makefile is the path of its Kbuild file or Makefile.
	Makefile string
	// CFlags, AFlags, LDFlags and RustFlags are the words of ccflags-y and so on, and
	// ExtraSymbols those of KBUILD_EXTRA_SYMBOLS. A word that cannot be decided is absent
	// and a diagnostic, of external modules only. CFlags has the subdir-ccflags-y of this
	// directory and those above, too.
	CFlags, AFlags, LDFlags, RustFlags, ExtraSymbols []string
	// Variables names what else the Makefile states of how all objects of the directory are
	// made, such as ccflags-remove-y or KASAN_SANITIZE; of external modules only. Words are
	// their values.
	Variables, Words []string
	// Unset holds paths of directories that Kbuild does not descend into because a
	// configuration symbol is not set: those in obj- and subdir-, of external modules only.
	Unset []string
	// Inherited are the words of CFlags that come from directories above.
	Inherited []string
	// Flags are other variables with flags that are set.
	Flags []Flag
	// Inputs are absolute paths of the files that the Makefile reads, looks for or makes
	// something of, as far as they exist.
	Inputs []string
	// Made are headers and the like that rules make.
	Made []Made
	// Off are modules and objects that are not built because variables are not set.
	Off []gnumake.Switch
	// Asked are the variables that the Makefile refers to and that are not set, or that
	// [Target.Set] sets; and where.
	Asked []Asked
	// Objects are the paths of what the directory is asked to make, of the kernel itself only: objects, the parts of
	// composite ones in their place, programs, and other files. Each once, in bytewise order.
	Objects []string
}

// An Asked is a variable that a Makefile refers to.
type Asked struct {
	Name     string
	Position gnumake.Position
	// Set is set if it is one of [Target.Set].
	Set bool
}
