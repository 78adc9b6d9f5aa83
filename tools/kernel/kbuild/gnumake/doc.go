// SPDX-License-Identifier: Apache-2.0

// Package gnumake evaluates the variables of Makefiles as GNU make 4.4 does, without
// running anything.
//
// It reads assignments, conditionals, includes, defines and the built-in functions, and
// notes the targets of rules; recipes are skipped. It knows nothing of Kbuild.
//
// What depends on more than the files at hand, such as $(shell …), is an undecided part
// of a value. It travels with the value through every function; a conditional that hangs on
// one makes undecided what its branches assign. Nothing is guessed: whoever uses a value
// asks [Evaluator.Undecided] for the places and reasons.
package gnumake
