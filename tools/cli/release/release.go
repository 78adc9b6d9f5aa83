// SPDX-License-Identifier: Apache-2.0

// Package release has the version of the rules and of the programs.
package release

// Version is that of the module in MODULE.bazel, which a test compares with it. It names no commit: programs of
// ordinary builds depend on their sources alone, so that caches know them.
const Version = "0.1.0"

// commit is set by the linker in release builds alone (//release), and empty in all others.
var commit string

// Commit is the commit that a program of a release was built from, 40 hex digits, or "".
func Commit() string { return commit }
