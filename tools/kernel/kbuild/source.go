// SPDX-License-Identifier: Apache-2.0

package kbuild

import (
	"path"
	"slices"
	"strings"
)

// sourceSuffixes in the order of the rules in scripts/Makefile.build.
var sourceSuffixes = []string{".c", ".rs", ".S"}

// generators are the implicit rules of scripts/ that make the source of an object: an
// object of suffix object comes from a generated file if there is a file of suffix from.
var generators = []struct{ object, source, from string }{
	{".asn1.o", ".asn1.c", ".asn1"},
	{".dtb.o", ".dtb.S", ".dts"},
	{".dtbo.o", ".dtbo.S", ".dtso"},
	{".dtbo.o", ".dtbo.S", ".dts"},
	{".lex.o", ".lex.c", ".l"},
	{".tab.o", ".tab.c", ".y"},
	{".o", ".c", ".c_shipped"},
	{".o", ".S", ".S_shipped"},
	{".o", ".rs", ".rs.S"},
}

// part finds the source of an object of this directory.
func (d *directory) part(object string) Part {
	p := Part{Object: path.Clean(d.path(object))}
	if d.tree != nil {
		p.CFlags, p.Variables = d.words("CFLAGS_"+object), d.objectVariables(object)
		p.Words = d.wordsOf(p.Variables)
	}
	stem, ok := strings.CutSuffix(object, ".o")
	if !ok {
		p.Generated = true
		return p
	}
	for _, suffix := range sourceSuffixes {
		if d.files.Exists(d.file(stem + suffix)) {
			p.Source = path.Clean(d.path(stem + suffix))
			return p
		}
	}
	if source, generated, ok := d.made(stem); ok {
		p.Source, p.Generated = source, generated
		return p
	}
	if d.tree != nil {
		// Another build system may make it. The caller knows.
		return p
	}
	d.e.Report(d.e.Position("obj-m"), "%s: no source found, want %s.c, .S, .rs or a rule that makes one",
		p.Object, stem)
	return p
}

// made returns the source of an object that has none of its name: one that another
// directory has, or one that is made during the build; empty if the object itself is.
func (d *directory) made(stem string) (source string, generated, ok bool) {
	for _, suffix := range sourceSuffixes {
		if _, ok := d.rule(stem + suffix); ok {
			return path.Clean(d.path(stem + suffix)), true, true
		}
	}
	object := stem + ".o"
	if from, ok := d.rule(object); ok {
		if slices.Contains(sourceSuffixes, path.Ext(from)) && d.files.Exists(from) {
			return d.relative(from), false, true
		}
		return "", true, true
	}
	for _, g := range generators {
		base, ok := strings.CutSuffix(object, g.object)
		if ok && d.files.Exists(d.file(base+g.from)) {
			return path.Clean(d.path(base + g.source)), true, true
		}
	}
	return "", true, d.files.Exists(d.file(object + "_shipped"))
}

// rule returns the first prerequisite of the rule of the directory's Makefile that makes a
// file.
func (d *directory) rule(name string) (prerequisite string, ok bool) {
	if prerequisite, ok = d.e.Made(d.spelled + "/" + name); ok {
		return prerequisite, true
	}
	return d.e.Made(d.file(name))
}
