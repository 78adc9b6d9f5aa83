// SPDX-License-Identifier: Apache-2.0

// Package kconfig reads kernel configurations (.config files and fragments of them), and tells
// which options of a fragment did not take effect.
//
// The format is that of scripts/kconfig/confdata.c: CONFIG_NAME=VALUE, or "# CONFIG_NAME is not
// set", a line each; other comments and empty lines are passed over.
package kconfig

import (
	"fmt"
	"strings"
)

// Off is the value of an option that is not set.
const Off = "n"

// Option is one line of a configuration.
type Option struct {
	// Name has CONFIG_ before it.
	Name string
	// Value is as written, with the quotes of strings; Off for an option that is not set.
	Value string
	// Where is FILE:LINE.
	Where string
}

// Parse reads a configuration or a fragment; file is its name for messages. A line that is neither
// an option nor a comment is an error: it would have no effect, in silence.
func Parse(file, text string) ([]Option, error) {
	var options []Option
	for i, line := range strings.Split(text, "\n") {
		where := fmt.Sprintf("%s:%d", file, i+1)
		option, ok, err := parseLine(strings.TrimSpace(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if ok {
			option.Where = where
			options = append(options, option)
		}
	}
	return options, nil
}

func parseLine(line string) (Option, bool, error) {
	if name, ok := strings.CutSuffix(line, " is not set"); ok {
		if name, ok := strings.CutPrefix(name, "# "); ok && isName(name) {
			return Option{Name: name, Value: Off}, true, nil
		}
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return Option{}, false, nil
	}
	name, value, ok := strings.Cut(line, "=")
	if !ok || !isName(name) {
		return Option{}, false, fmt.Errorf("got %q, want CONFIG_NAME=VALUE or \"# CONFIG_NAME is not set\"", line)
	}
	return Option{Name: name, Value: value}, true, nil
}

func isName(s string) bool {
	s, ok := strings.CutPrefix(s, "CONFIG_")
	return ok && s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Missing is an option of a fragment that the configuration does not have as it was asked for.
type Missing struct {
	Want Option
	// Got is the value in the configuration, Off where it is not there.
	Got string
}

// String states what was wanted and what the configuration has.
func (m Missing) String() string {
	return fmt.Sprintf("%s: %s: got %s, want %s", m.Want.Where, m.Want.Name, m.Got, m.Want.Value)
}

// Compare returns which of the wanted options a configuration does not have. Of an option that is
// wanted several times, the last one counts, as it does for Kconfig.
func Compare(config, wanted []Option) []Missing {
	values := map[string]string{}
	for _, option := range config {
		values[option.Name] = option.Value
	}
	last := map[string]int{}
	for i, option := range wanted {
		last[option.Name] = i
	}
	var missing []Missing
	for i, option := range wanted {
		if got := value(values, option.Name); last[option.Name] == i && got != option.Value {
			missing = append(missing, Missing{Want: option, Got: got})
		}
	}
	return missing
}

func value(values map[string]string, name string) string {
	if value, ok := values[name]; ok {
		return value
	}
	return Off
}

// Enabled reports whether an option is built in, or is a module.
func Enabled(config []Option, name string) bool {
	for _, option := range config {
		if option.Name == name {
			return option.Value == "y" || option.Value == "m"
		}
	}
	return false
}
