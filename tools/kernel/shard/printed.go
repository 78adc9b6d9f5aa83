// SPDX-License-Identifier: Apache-2.0

package shard

import "strings"

const includeDirective = "#include"

// printed returns the operands of #include <…> and #include "…" that a program or script writes into sources that it
// makes: those that do not start a line of its own. Operands have their brackets or quotes.
func printed(text string) []string {
	var operands []string
	for {
		at := strings.Index(text, includeDirective)
		if at < 0 {
			return operands
		}
		line := text[strings.LastIndexByte(text[:at], '\n')+1 : at]
		text = text[at+len(includeDirective):]
		if strings.TrimSpace(line) == "" {
			continue
		}
		if operand := operandOf(text); operand != "" {
			operands = append(operands, operand)
		}
	}
}

// operandOf returns what stands in brackets or, possibly escaped, in quotes at the start of a text; empty if neither.
func operandOf(text string) string {
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t"), `\`)
	for _, pair := range []struct{ open, close string }{{"<", ">"}, {`"`, `"`}} {
		rest, ok := strings.CutPrefix(text, pair.open)
		if !ok {
			continue
		}
		name, _, ok := strings.Cut(rest, pair.close)
		if name = strings.TrimSuffix(name, `\`); ok && name != "" && !strings.ContainsAny(name, "\n %$") {
			return pair.open + strings.Clone(name) + pair.close
		}
	}
	return ""
}
