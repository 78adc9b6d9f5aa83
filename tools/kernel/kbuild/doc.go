// SPDX-License-Identifier: Apache-2.0

// Package kbuild lists the modules that Linux's build system makes of a source tree and a
// configuration, in the order of modules.order, and the objects and sources of each,
// without building anything.
//
// It evaluates the root Makefile, the root Kbuild file and the Makefile of each directory
// as scripts/Makefile.build of Linux 6.1 and later does. What cannot be decided from the
// source tree alone is a [Diagnostic] with file, line and reason: a list without
// diagnostics is exactly what Kbuild makes.
//
// Source: scripts/Makefile.build, scripts/Makefile.lib, scripts/Kbuild.include and
// Makefile of Linux 7.2, Documentation/kbuild/makefiles.rst and modules.rst.
package kbuild
