// SPDX-License-Identifier: Apache-2.0

package shard

import (
	"slices"
	"strings"
)

const optionPrefix = "CONFIG_"

// options returns the names of options in a text, in bytewise order, each once; and whether the text puts names together
// from parts, as CONFIG_##name in C and $(CONFIG_$(name)) in a Makefile do.
func options(text string) (names []string, computes bool) {
	for {
		at := strings.Index(text, optionPrefix)
		if at < 0 {
			break
		}
		isName := at == 0 || !isNameByte(text[at-1])
		text = text[at:]
		end := len(optionPrefix)
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		if isName && end > len(optionPrefix) {
			names = append(names, strings.Clone(text[:end]))
		}
		if isName && end == len(optionPrefix) && end < len(text) && strings.IndexByte("#$", text[end]) >= 0 {
			computes = true
		}
		text = text[end:]
	}
	slices.Sort(names)
	return slices.Clip(slices.Compact(names)), computes
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
