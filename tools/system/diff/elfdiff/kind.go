// SPDX-License-Identifier: Apache-2.0

package elfdiff

import (
	"debug/elf"
	"slices"
	"strings"
)

// Kind states what a section is for.
type Kind string

// The kinds of sections.
const (
	// Code is what is executed.
	Code Kind = "code"
	// Data is whatever else the kernel loads.
	Data Kind = "data"
	// ModInfo is .modinfo: what modinfo(8) shows.
	ModInfo Kind = "module information"
	// ThisModule is struct module, whose size depends on the kernel's configuration.
	ThisModule Kind = "struct module"
	// Versions are the CRCs of the symbols that the module needs (CONFIG_MODVERSIONS).
	Versions Kind = "symbol versions"
	BuildID  Kind = "build-id"
	// Comment names compilers.
	Comment Kind = "compiler"
	// BTF is type information, written by pahole.
	BTF Kind = "BTF"
	// Debug is DWARF debug information.
	Debug Kind = "debug information"
	// Symbols is the symbol table, Names are the tables of strings that other tables refer to.
	Symbols     Kind = "symbols"
	Names       Kind = "names"
	Relocations Kind = "relocations"
	Other       Kind = "other"
)

// kinds of sections whose name states it.
var kinds = map[string]Kind{
	".modinfo":                  ModInfo,
	".gnu.linkonce.this_module": ThisModule,
	"__versions":                Versions,
	"__version_ext_crcs":        Versions,
	"__version_ext_names":       Versions,
	".note.gnu.build-id":        BuildID,
	".comment":                  Comment,
	".BTF":                      BTF,
	".BTF.base":                 BTF,
	".BTF_ids":                  BTF,
	".gdb_index":                Debug,
}

func kindOf(s *section) Kind {
	if kind, ok := kinds[s.Name]; ok {
		return kind
	}
	switch {
	// Relocations of debug information come and go with it.
	case strings.Contains(s.Name, ".debug_"), strings.HasPrefix(s.Name, ".zdebug_"):
		return Debug
	case s.Type == elf.SHT_SYMTAB:
		return Symbols
	case s.Type == elf.SHT_STRTAB, s.Type == elf.SHT_SYMTAB_SHNDX:
		return Names
	case s.Type == elf.SHT_RELA, s.Type == elf.SHT_REL:
		return Relocations
	case s.Flags&elf.SHF_EXECINSTR != 0:
		return Code
	case s.Flags&elf.SHF_ALLOC != 0:
		return Data
	}
	return Other
}

// configured are sections that exist by the kernel's configuration, whatever the source.
var configured = []string{
	"__mcount_loc", "__patchable_function_entries", ".orc_unwind", ".orc_unwind_ip", ".orc_header", ".return_sites",
	".retpoline_sites", ".call_sites", ".ibt_endbr_seal", ".cfi_sites", ".BTF", ".BTF.base", "__versions",
	"__version_ext_crcs", "__version_ext_names",
}

func isConfigured(name string) bool { return slices.Contains(configured, name) }
