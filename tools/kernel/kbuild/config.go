// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A Config maps kernel configuration symbols, such as "CONFIG_EXT4_FS", to their values:
// "y", "m", a number, or the text of a string without its quotes. Symbols that are not set
// are absent, as in include/config/auto.conf.
type Config map[string]string

// maxConfigLine is the size of the longest line of a .config, in bytes.
const maxConfigLine = 1 << 20

// ReadConfig reads a .config file. The name is used in errors, which tell the line that is
// neither a comment nor CONFIG_SYMBOL=VALUE.
func ReadConfig(name string, r io.Reader) (Config, error) {
	config := make(Config)
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxConfigLine)
	n := 0
	for s.Scan() {
		n++
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		symbol, value, err := cutSymbol(line)
		if err != nil {
			return nil, fmt.Errorf("reading %s:%d: %w", name, n, err)
		}
		if value != "n" {
			config[symbol] = value
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading %s:%d: %w", name, n+1, err)
	}
	return config, nil
}

// cutSymbol splits CONFIG_SYMBOL=VALUE.
func cutSymbol(line string) (symbol, value string, err error) {
	symbol, value, ok := strings.Cut(line, "=")
	if !ok || !isSymbol(symbol) {
		return "", "", fmt.Errorf("got %q, want CONFIG_SYMBOL=VALUE or a comment", line)
	}
	if value, err = unquote(value); err != nil {
		return "", "", fmt.Errorf("%s: %w", symbol, err)
	}
	return symbol, value, nil
}

func isSymbol(s string) bool {
	name, ok := strings.CutPrefix(s, "CONFIG_")
	return ok && name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// unquote takes the quotes off a string value, in which a backslash escapes the next
// character.
func unquote(value string) (string, error) {
	if !strings.HasPrefix(value, `"`) {
		return value, nil
	}
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch {
		case value[i] == '"' && i == len(value)-1:
			return b.String(), nil
		case value[i] == '"':
			return "", fmt.Errorf("got %s, want nothing after the closing quote", value)
		case value[i] == '\\' && i+1 < len(value):
			i++
			b.WriteByte(value[i])
		default:
			b.WriteByte(value[i])
		}
	}
	return "", fmt.Errorf("got %s, want a closing quote", value)
}
