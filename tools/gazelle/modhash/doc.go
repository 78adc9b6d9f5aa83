// SPDX-License-Identifier: Apache-2.0

// Package modhash is an extension of Gazelle that keeps targets of kernel modules true to
// Kbuild files, to the configuration of a kernel, and to directories of prebuilt modules.
//
// tools/gazelle/README.md states what it generates and which directives it knows. Package
// kbuild reads the Kbuild files; this package turns modules into rules and symbols into
// deps. What cannot be decided is logged with file and line, and deletes nothing.
package modhash
