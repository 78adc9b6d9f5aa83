// SPDX-License-Identifier: Apache-2.0

// Package shard cuts a kernel's source tree into shards: groups of directories that Kbuild builds by themselves, each
// with the files that it may read, and no others. A file that changes then changes the shards that may read it.
//
// Kbuild decides what is built and how. Here it is only decided what a shard is handed. What is missing is an error of
// make or of the compiler, so a mistake costs a build and never changes a byte: with one exception, the configuration,
// of which a shard gets the options whose names occur in its files. Kbuild's own fixdep goes by the same rule. Files in
// which options have computed names get the whole configuration.
package shard
