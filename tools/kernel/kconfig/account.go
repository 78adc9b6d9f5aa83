// SPDX-License-Identifier: Apache-2.0

package kconfig

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Values returns the values of options by name. Of several values of an option, the last one counts.
func Values(options []Option) map[string]string {
	values := make(map[string]string, len(options))
	for _, option := range options {
		values[option.Name] = option.Value
	}
	return values
}

// Lost returns the options of a base that are set there, and have another value in a configuration.
func Lost(config, base []Option) []Missing {
	return slices.DeleteFunc(Compare(config, base), func(m Missing) bool { return m.Want.Value == Off })
}

// Account states why options of a base did not stay.
type Account struct {
	// Fragments are options that fragments set, or that Kconfig's dependencies exclude with them.
	Fragments []Missing
	// Toolchain are options whose value depends on programs of the toolchain: other ones than those of the base.
	Toolchain []Missing
	// Undeclared are options that no Kconfig file of this source has.
	Undeclared []Missing
	// Source are options whose dependencies, defaults or ranges are different in this source.
	Source []Missing
}

// Evaluation is what Kconfig makes of a base under several conditions.
type Evaluation struct {
	// Symbols are those of the source.
	Symbols Symbols
	// Base has the options of the base, Wanted those of the fragments.
	Base, Wanted []Option
	// Final is the configuration. Alone is that of the base without fragments, Both with them, and both of these
	// with the answers of the toolchain that the base was made with.
	Final, Alone, Both []Option
}

// Account states for each option of the base that did not stay why.
func (e *Evaluation) Account() *Account {
	a := &Account{}
	wanted, alone, both := Values(e.Wanted), Values(e.Alone), Values(e.Both)
	for _, m := range Lost(e.Final, e.Base) {
		name := m.Want.Name
		symbol, declared := e.Symbols[name]
		_, overridden := wanted[name]
		switch {
		case overridden:
			a.Fragments = append(a.Fragments, m)
		case !declared:
			a.Undeclared = append(a.Undeclared, m)
		case symbol.IsProbe():
			a.Toolchain = append(a.Toolchain, m)
		case value(alone, name) != m.Want.Value && symbol.Probes:
			a.Toolchain = append(a.Toolchain, m)
		case value(alone, name) != m.Want.Value:
			a.Source = append(a.Source, m)
		case value(both, name) != m.Want.Value:
			a.Fragments = append(a.Fragments, m)
		default:
			a.Toolchain = append(a.Toolchain, m)
		}
	}
	return a
}

// Cost returns the options that a program decides and that a user sets: those of the toolchain that are lost in the
// configuration Without, which has the program's own answers, and all other answers of the base's toolchain.
func (e *Evaluation) Cost(a *Account, without []Option) []Missing {
	both, values := Values(e.Both), Values(without)
	return slices.DeleteFunc(slices.Clone(a.Toolchain), func(m Missing) bool {
		kept := value(values, m.Want.Name) == m.Want.Value
		return !e.Symbols[m.Want.Name].Prompt || kept || value(both, m.Want.Name) != m.Want.Value
	})
}

// Write writes how many options did not stay, and which, by their reason. It passes over those that fragments explain.
func (a *Account) Write(w io.Writer, prefix, base string) error {
	groups := []struct {
		reason  string
		options []Missing
	}{
		{"the programs of the toolchain are other ones", a.Toolchain},
		{"this source does not have the option", a.Undeclared},
		{"dependencies, defaults or ranges are different in this source", a.Source},
	}
	for _, g := range groups {
		if len(g.options) == 0 {
			continue
		}
		_, err := fmt.Fprintf(w, "%soptions of %s did not stay, because %s (%d): %s\n", prefix, base, g.reason, len(g.options), Names(g.options))
		if err != nil {
			return err
		}
	}
	return nil
}

// Names returns the sorted names of options, separated by commas.
func Names(options []Missing) string {
	names := make([]string, len(options))
	for i, m := range options {
		names[i] = m.Want.Name
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
