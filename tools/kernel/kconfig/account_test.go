// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
)

const initKconfig = `# Comment
config CC_VERSION_TEXT
	string
	default "$(CC_VERSION_TEXT)"

config RUSTC_VERSION
	int
	default $(rustc-version)
	help
	  In a help text, these words declare nothing:
	  config NOTHING
	  bool "nothing" if $(success,true)

config RUST_IS_AVAILABLE
	def_bool $(success,$(srctree)/scripts/rust_is_available.sh)

menuconfig RUST
	bool "Rust support"
	depends on RUST_IS_AVAILABLE && \
		RUSTC_VERSION >= 108500

if RUST
config PLUGINS
	bool
	prompt "Plugins"
	depends on $(success,test -e plugin)
endif

choice
	prompt "A choice is no option"
	default A
endchoice

config A
	tristate "A" if B
`

func symbols(t *testing.T) Symbols {
	t.Helper()
	got, err := ReadSymbols(fstest.MapFS{
		"init/Kconfig":            {Data: []byte(initKconfig)},
		"init/Makefile":           {Data: []byte("config MAKEFILE\n")},
		"arch/Kconfig":            {Data: []byte("config TWICE\n\tbool\n")},
		"arch/x86/Kconfig.debug":  {Data: []byte("config TWICE\n\tbool \"A prompt\"\n\nconfig CC_HAS_IBT\n\tdef_bool $(cc-option,-fcf)\n")},
		"arch/arm/Kconfig":        {Data: []byte("config ARM\n\tbool\n")},
		"scripts/kconfig/Kconfig": {Data: []byte("config TEST\n\tbool\n")},
	}, "x86")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestReadSymbols(t *testing.T) {
	want := Symbols{
		"CONFIG_A":                 {Type: "tristate", Prompt: true},
		"CONFIG_CC_HAS_IBT":        {Type: "bool", Probes: true},
		"CONFIG_CC_VERSION_TEXT":   {Type: "string", Probes: true},
		"CONFIG_PLUGINS":           {Type: "bool", Prompt: true, Probes: true},
		"CONFIG_RUST":              {Type: "bool", Prompt: true},
		"CONFIG_RUSTC_VERSION":     {Type: "int", Probes: true},
		"CONFIG_RUST_IS_AVAILABLE": {Type: "bool", Probes: true},
		"CONFIG_TWICE":             {Type: "bool", Prompt: true},
	}
	if got := symbols(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDeclare(t *testing.T) {
	s := symbols(t)
	base := parse(t, "base", "CONFIG_CC_VERSION_TEXT=\"gcc 16\"\nCONFIG_RUST_IS_AVAILABLE=y\nCONFIG_RUST=y\nCONFIG_RUSTC_VERSION=1\n")
	got := s.Declare(s.Probed(base))
	want := "config CC_HAS_IBT\n\tbool\n\tdefault n\nconfig CC_VERSION_TEXT\n\tstring\n\tdefault \"gcc 16\"\n" +
		"config RUSTC_VERSION\n\tint\n\tdefault 1\nconfig RUST_IS_AVAILABLE\n\tbool\n\tdefault y\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := s.Probed(parse(t, "base", "CONFIG_CC_VERSION_TEXT=\"$(shell)\"\n")); len(got) != 2 {
		t.Errorf("got %v, want the two probes that are bool: Kconfig would expand the other one", got)
	}
}

// evaluation is one with a base of several options, of which each did not stay for another reason.
func evaluation(t *testing.T) *Evaluation {
	prompt := Symbol{Type: "bool", Prompt: true}
	return &Evaluation{
		Symbols: Symbols{
			"CONFIG_CC_VERSION_TEXT": {Type: "string", Probes: true},
			"CONFIG_DERIVED":         {Type: "bool"},
			"CONFIG_FAILS":           {Type: "bool", Prompt: true, Probes: true},
			"CONFIG_NARROWED":        prompt, "CONFIG_NEEDS_OFF": prompt, "CONFIG_OFF": prompt,
			"CONFIG_RUST": prompt, "CONFIG_RUST_DRIVER": prompt, "CONFIG_STAYS": prompt, "CONFIG_UNWANTED": prompt,
		},
		Base: parse(t, "base", "CONFIG_CC_VERSION_TEXT=\"16\"\nCONFIG_RUST=y\nCONFIG_RUST_DRIVER=m\nCONFIG_DERIVED=y\nCONFIG_GONE=y\n"+
			"CONFIG_FAILS=y\nCONFIG_NARROWED=y\nCONFIG_OFF=y\nCONFIG_NEEDS_OFF=m\nCONFIG_STAYS=m\n# CONFIG_UNWANTED is not set\n"),
		Wanted: parse(t, "fragment", "# CONFIG_OFF is not set\n"),
		Final:  parse(t, "final", "CONFIG_CC_VERSION_TEXT=\"15\"\nCONFIG_STAYS=m\nCONFIG_UNWANTED=y\n"),
		Alone: parse(t, "alone", "CONFIG_CC_VERSION_TEXT=\"16\"\nCONFIG_RUST=y\nCONFIG_RUST_DRIVER=m\nCONFIG_DERIVED=y\n"+
			"CONFIG_OFF=y\nCONFIG_NEEDS_OFF=m\nCONFIG_STAYS=m\n"),
		Both: parse(t, "both", "CONFIG_CC_VERSION_TEXT=\"16\"\nCONFIG_RUST=y\nCONFIG_RUST_DRIVER=m\nCONFIG_DERIVED=y\nCONFIG_STAYS=m\n"),
	}
}

func TestAccount(t *testing.T) {
	a := evaluation(t).Account()
	for _, group := range []struct {
		name, want string
		got        []Missing
	}{
		{"fragments", "CONFIG_NEEDS_OFF, CONFIG_OFF", a.Fragments},
		{"toolchain", "CONFIG_CC_VERSION_TEXT, CONFIG_DERIVED, CONFIG_FAILS, CONFIG_RUST, CONFIG_RUST_DRIVER", a.Toolchain},
		{"undeclared", "CONFIG_GONE", a.Undeclared},
		{"source", "CONFIG_NARROWED", a.Source},
	} {
		if got := Names(group.got); got != group.want {
			t.Errorf("%s: got %s, want %s", group.name, got, group.want)
		}
	}
}

// A program's cost are options that a user sets. An option that another program decides is not a part of it.
func TestCost(t *testing.T) {
	e := evaluation(t)
	a := e.Account()
	if got := Names(e.Cost(a, nil)); got != "CONFIG_RUST, CONFIG_RUST_DRIVER" {
		t.Errorf("without Rust: got %s", got)
	}
	if got := e.Cost(a, e.Both); len(got) != 0 {
		t.Errorf("without another program: got %v, want none", got)
	}
}

// A fragment that sets an option off explains what depends on it, whatever the programs are.
func TestFragmentDoesWithout(t *testing.T) {
	e := evaluation(t)
	e.Wanted = append(e.Wanted, parse(t, "fragment", "# CONFIG_RUST is not set\n")...)
	e.Both = slices.DeleteFunc(e.Both, func(o Option) bool { return o.Name == "CONFIG_RUST" || o.Name == "CONFIG_RUST_DRIVER" })
	a := e.Account()
	if got := Names(a.Toolchain); got != "CONFIG_CC_VERSION_TEXT, CONFIG_DERIVED, CONFIG_FAILS" {
		t.Errorf("got %s", got)
	}
	if cost := e.Cost(a, nil); len(cost) != 0 {
		t.Errorf("got the cost %v, want none", cost)
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := evaluation(t).Account().Write(&b, "warning: ", "base"); err != nil {
		t.Fatal(err)
	}
	want := "warning: options of base did not stay, because the programs of the toolchain are other ones (5): " +
		"CONFIG_CC_VERSION_TEXT, CONFIG_DERIVED, CONFIG_FAILS, CONFIG_RUST, CONFIG_RUST_DRIVER\n" +
		"warning: options of base did not stay, because this source does not have the option (1): CONFIG_GONE\n" +
		"warning: options of base did not stay, because dependencies, defaults or ranges are different in this source (1): CONFIG_NARROWED\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}

func TestLost(t *testing.T) {
	got := Lost(parse(t, "config", "CONFIG_A=m\nCONFIG_B=y\n"), parse(t, "base", "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=y\n"))
	values := map[string]string{}
	for _, m := range got {
		values[m.Want.Name] = m.Got
	}
	if want := map[string]string{"CONFIG_A": "m", "CONFIG_C": "n"}; !maps.Equal(values, want) {
		t.Errorf("got %v, want %v", values, want)
	}
}
