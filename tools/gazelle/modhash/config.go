// SPDX-License-Identifier: Apache-2.0

package modhash

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bazelbuild/bazel-gazelle/config"
	"github.com/bazelbuild/bazel-gazelle/label"
	"github.com/bazelbuild/bazel-gazelle/rule"

	"rules_modhash/tools/arch"
	"rules_modhash/tools/kernel/kbuild"
)

// Directives.
const (
	configDirective        = "modhash_config"
	configSetDirective     = "modhash_config_set"
	granularityDirective   = "modhash_granularity"
	installPrefixDirective = "modhash_install_prefix"
	kernelDirective        = "modhash_kernel"
	kernelSourceDirective  = "modhash_kernel_source"
)

// Values of modhash_granularity.
const (
	byModule    = "module"
	byDirectory = "directory"
)

// settings are what directives set for one directory.
type settings struct {
	// config is the path of a .config file, source that of a kernel source tree; "" if not given.
	config, source string
	// configAt and sourceAt are where they are given.
	configAt, sourceAt string
	// set are NAME=VALUE of modhash_config_set, in order.
	set []string
	// kernel is the kernel_build of modules; nil if not given.
	kernel *label.Label
	// installPrefix and granularity tell in which directory they are given; nil if not.
	installPrefix, granularity *scoped
	// tops are the directories, outermost first, that Kbuild may start at to get here.
	tops []string
	// insideKernel is set in a kernel source tree.
	insideKernel bool
}

// scoped is a value that counts from the directory it is given in.
type scoped struct{ value, rel string }

func settingsOf(c *config.Config) *settings {
	return c.Exts[languageName].(*settings)
}

// RegisterFlags implements [config.Configurer].
func (x *extension) RegisterFlags(fs *flag.FlagSet, cmd string, c *config.Config) {
	if cmd != "update" && cmd != "fix" {
		return
	}
	fs.StringVar(&x.flags.config, configDirective, "",
		"kernel configuration, a .config file; # gazelle:"+configDirective+" has precedence")
	fs.StringVar(&x.flags.source, kernelSourceDirective, "",
		"kernel source tree; # gazelle:"+kernelSourceDirective+" has precedence")
}

// CheckFlags implements [config.Configurer].
func (x *extension) CheckFlags(fs *flag.FlagSet, c *config.Config) error {
	for _, path := range []*string{&x.flags.config, &x.flags.source} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	x.flags.configAt, x.flags.sourceAt = "command line", "command line"
	return nil
}

// KnownDirectives implements [config.Configurer].
func (x *extension) KnownDirectives() []string {
	return []string{
		configDirective, configSetDirective, granularityDirective, installPrefixDirective, kernelDirective, kernelSourceDirective,
	}
}

// Configure implements [config.Configurer].
func (x *extension) Configure(c *config.Config, rel string, f *rule.File) {
	s := x.flags
	if parent, ok := c.Exts[languageName].(*settings); ok {
		s = *parent
	}
	c.Exts[languageName] = &s
	if f != nil {
		for _, d := range f.Directives {
			if err := s.apply(c, rel, f, d); err != nil {
				x.say("%s: %s: %v", place(rel, f, d), d.Key, err)
			}
		}
	}
	dir := filepath.Join(c.RepoRoot, filepath.FromSlash(rel))
	s.insideKernel = s.insideKernel || dir == s.source || isKernelSource(dir)
	if !s.insideKernel && looksLikeKbuild(dir) {
		s.tops = append(slices.Clip(s.tops), rel)
	}
}

// apply takes over one directive.
func (s *settings) apply(c *config.Config, rel string, f *rule.File, d rule.Directive) error {
	var err error
	switch d.Key {
	case configDirective:
		s.config, err = repositoryPath(c, rel, d.Value)
		s.configAt = place(rel, f, d)
	case configSetDirective:
		return s.applySet(d.Value)
	case kernelSourceDirective:
		s.source, err = repositoryPath(c, rel, d.Value)
		s.sourceAt = place(rel, f, d)
	case kernelDirective:
		s.kernel, err = kernelLabel(rel, d.Value)
	case installPrefixDirective:
		if d.Value != "" && !isClean(d.Value) {
			return fmt.Errorf("got %q, want a relative path without empty, '.' or '..' parts, or nothing", d.Value)
		}
		s.installPrefix = &scoped{d.Value, rel}
	case granularityDirective:
		if d.Value != byModule && d.Value != byDirectory {
			return fmt.Errorf("got %q, want %s or %s", d.Value, byModule, byDirectory)
		}
		s.granularity = &scoped{d.Value, rel}
	}
	return err
}

// setting is a value of modhash_config_set.
var setting = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=\S*$`)

// applySet takes over a value of modhash_config_set. An empty one unsets those from above.
func (s *settings) applySet(value string) error {
	switch {
	case value == "":
		s.set = nil
	case !setting.MatchString(value):
		return fmt.Errorf("got %q, want CONFIG_SYMBOL=m, =y or another value without blanks", value)
	default:
		s.set = append(slices.Clip(s.set), value)
	}
	return nil
}

// variables returns what modhash_config_set states. A symbol that is n is not set, as in a
// .config.
func (s *settings) variables() map[string]string {
	all := make(map[string]string, len(s.set))
	for _, text := range s.set {
		name, value, _ := strings.Cut(text, "=")
		if value = strings.Trim(value, `"`); value == "n" {
			value = ""
		}
		all[name] = value
	}
	return all
}

// isClean is is_clean of rules/private/paths.bzl.
func isClean(p string) bool {
	return path.Clean(p) == p && p != "." && !path.IsAbs(p) && p != ".." && !strings.HasPrefix(p, "../")
}

// repositoryPath returns the absolute path of a directive's value: below the repository if
// it starts with "//", else below the directive's directory. Empty values unset.
func repositoryPath(c *config.Config, rel, value string) (string, error) {
	switch below, ok := strings.CutPrefix(value, "//"); {
	case value == "":
		return "", nil
	case ok:
		rel, value = "", strings.Replace(below, ":", "/", 1)
	case path.IsAbs(value):
		return "", fmt.Errorf("got %q, want a path in the repository, relative to this directory or after //. "+
			"For another one use the flag -%s or -%s", value, configDirective, kernelSourceDirective)
	}
	return filepath.Join(c.RepoRoot, filepath.FromSlash(rel), filepath.FromSlash(strings.TrimPrefix(value, ":"))), nil
}

// kernelLabel returns the absolute label of a directive's value; nil if it is empty.
func kernelLabel(rel, value string) (*label.Label, error) {
	if value == "" {
		return nil, nil
	}
	l, err := label.Parse(value)
	if err != nil {
		return nil, fmt.Errorf("got %q, want the label of a kernel_build: %w", value, err)
	}
	l = l.Abs("", rel)
	return &l, nil
}

// place returns FILE:LINE of a directive.
func place(rel string, f *rule.File, d rule.Directive) string {
	name := path.Join(rel, filepath.Base(f.Path))
	for i, line := range strings.Split(string(f.Content), "\n") {
		if isDirective(line, d) {
			return fmt.Sprintf("%s:%d", name, i+1)
		}
	}
	return name
}

// isDirective reports whether a line of a BUILD file is a directive. Its value may be any bytes: no pattern is made of it.
func isDirective(line string, d rule.Directive) bool {
	comment, isComment := strings.CutPrefix(strings.TrimSpace(line), "#")
	value, isKey := strings.CutPrefix(strings.TrimSpace(comment), "gazelle:"+d.Key)
	return isComment && isKey && strings.TrimSpace(value) == d.Value
}

// isKernelSource reports whether a directory is the top of a Linux source tree.
func isKernelSource(dir string) bool {
	return exists(filepath.Join(dir, "scripts", "Kbuild.include")) && exists(filepath.Join(dir, "Kconfig"))
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// kbuildLines are what a Makefile for Kbuild has, and others have not.
var kbuildLines = regexp.MustCompile(`\b(obj|subdir)-(m\b|y\b|\$)|\b(KERNELRELEASE|KBUILD_EXTMOD)\b`)

// looksLikeKbuild reports whether Kbuild may start at a directory.
func looksLikeKbuild(dir string) bool {
	if exists(filepath.Join(dir, "Kbuild")) {
		return true
	}
	text, err := readText(filepath.Join(dir, "Makefile"))
	return err == nil && kbuildLines.MatchString(text)
}

// A configuration is a .config file that was read.
type configuration struct {
	target kbuild.Target
	err    error
}

// target returns the kernel of the settings, without Config if they do not set one
// or the file cannot be read.
func (x *extension) target(s *settings) (kbuild.Target, error) {
	if s.config == "" {
		return kbuild.Target{}, nil
	}
	read, ok := x.configurations[s.config]
	if !ok {
		read.target, read.err = readTarget(s.config)
		x.configurations[s.config] = read
	}
	if read.err != nil {
		return read.target, fmt.Errorf("%s: %s: %w", s.configAt, configDirective, read.err)
	}
	return read.target, nil
}

func readTarget(name string) (kbuild.Target, error) {
	text, err := readText(name)
	if err != nil {
		return kbuild.Target{}, fmt.Errorf("got no file, want a kernel's .config: %w", withoutPath(err))
	}
	config, err := kbuild.ReadConfig(filepath.Base(name), strings.NewReader(text))
	if err != nil {
		return kbuild.Target{}, err
	}
	return kbuild.Target{SrcArch: architecture(config), Config: config, Version: configVersion(text)}, nil
}

// configHead is the line that Kconfig writes at the top of a .config.
var configHead = regexp.MustCompile(`(?m)^# Linux/\S+ (\d{1,4})\.(\d{1,4})\S* Kernel Configuration$`)

// configVersion returns the version of the kernel that a .config is of, if it states so.
func configVersion(text string) kbuild.Version {
	found := configHead.FindStringSubmatch(text)
	if found == nil {
		return kbuild.Version{}
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	return kbuild.Version{Major: major, Minor: minor}
}

// withoutPath drops the path of a file system error: it is absolute.
func withoutPath(err error) error {
	if e, ok := err.(*os.PathError); ok {
		return e.Err
	}
	return err
}

// otherArchitectures are symbols that each configuration of an architecture sets which no kernel is built for here, and
// the architecture's directory in arch/.
var otherArchitectures = []struct{ symbol, directory string }{
	{"CONFIG_MIPS", "mips"},
	{"CONFIG_LOONGARCH", "loongarch"},
	{"CONFIG_PARISC", "parisc"},
	{"CONFIG_SPARC", "sparc"},
	{"CONFIG_M68K", "m68k"},
}

// architecture returns the directory in arch/ that a configuration is for, "" if it does
// not say.
func architecture(config kbuild.Config) string {
	if config["CONFIG_UML"] == "y" {
		return "um"
	}
	for _, a := range arch.All {
		if config[a.Symbol] == "y" {
			return a.Directory
		}
	}
	for _, a := range otherArchitectures {
		if config[a.symbol] == "y" {
			return a.directory
		}
	}
	return ""
}
