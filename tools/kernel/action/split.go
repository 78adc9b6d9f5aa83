// SPDX-License-Identifier: Apache-2.0

package action

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/kernel/shard"
	"rules_modhash/tools/kernel/treearchive"
)

// Paths in a tree that Split adds, with one name in a line: the directories of a shard; the sources that Link's tree has for
// their names only; and the reasons for which the link compiles the whole kernel.
const (
	directoriesFile = ".modhash.directories"
	namesFile       = ".modhash.names"
	wholeFile       = ".modhash.whole"
)

// Split is the action that cuts a source tree into the parts that the actions of a kernel build read.
type Split struct {
	Common
	// Source is the source tree as Source writes it, Configuration what Config writes.
	Source, Configuration string
	// Shards are SHARD=FILE: a shard, and the file to write.
	Shards []string
	// Prepare, Link and Finish are files to write.
	Prepare, Link, Finish string
	// Notes gets a line if there are no shards.
	Notes io.Writer
}

// Run splits, and writes all outputs or none.
func (o *Split) Run(ctx context.Context) error {
	shards, err := pairs("shard", o.Shards)
	if err != nil {
		return err
	}
	tree, config, err := o.read(ctx)
	if err != nil {
		return err
	}
	plan, err := o.plan(tree, config, shards)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Label, err)
	}
	if len(plan.Whole) > 0 {
		fmt.Fprintf(o.Notes, "%s: note: %s: the action that links vmlinux compiles the whole kernel, and not in shards\n", o.Label,
			strings.Join(plan.Whole, ", "))
	}
	r := &results{}
	return r.finish(ctx, o.write(ctx, r, tree, config, plan, shards))
}

func (o *Split) read(ctx context.Context) (*shard.Tree, shard.Configuration, error) {
	if err := o.Target.Check(); err != nil {
		return nil, nil, err
	}
	config, err := readConfiguration(o.Configuration)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Open(o.Source)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	tree, err := shard.ReadTree(reader{ctx, file}, o.Target.SourceArch(), o.Target.Uses)
	return tree, config, err
}

// readConfiguration returns the files of the configuration that Config wrote.
func readConfiguration(name string) (shard.Configuration, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	config := shard.Configuration{}
	err = treearchive.Read(file, treearchive.All, func(entry treearchive.Entry, contents io.Reader) error {
		data, err := io.ReadAll(contents)
		config[entry.Path] = data
		return err
	})
	return config, err
}

func (o *Split) plan(tree *shard.Tree, config shard.Configuration, shards [][2]string) (*shard.Plan, error) {
	names := make([]string, len(shards))
	for i, s := range shards {
		names[i] = s[0]
	}
	partition, err := shard.NewPartition(names)
	if err != nil {
		return nil, err
	}
	options, err := kbuild.ReadConfig(".config", bytes.NewReader(config[".config"]))
	if err != nil {
		return nil, err
	}
	return shard.NewPlan(tree, kbuild.Target{SrcArch: o.Target.SourceArch(), Config: options}, partition)
}

func (o *Split) write(ctx context.Context, r *results, tree *shard.Tree, config shard.Configuration, plan *shard.Plan, shards [][2]string) error {
	archives := []shard.Archive{
		{Files: plan.Prepare},
		{Files: plan.Link, Added: linkLists(plan)},
		{Files: plan.Finish, Added: config.For(tree, plan.Finish)},
	}
	outs := []string{o.Prepare, o.Link, o.Finish}
	for _, s := range shards {
		archive := shard.Archive{Files: plan.Shards[s[0]]}
		if len(archive.Files) > 0 {
			archive.Added = config.For(tree, archive.Files)
			archive.Added[directoriesFile] = lines(plan.Directories[s[0]])
		}
		archives, outs = append(archives, archive), append(outs, s[1])
	}
	return r.createAll(ctx, outs, func(writers []io.Writer) error {
		for i, w := range writers {
			archives[i].Out = w
		}
		return tree.Split(archives)
	})
}

// linkLists returns the lists in the link's tree.
func linkLists(plan *shard.Plan) shard.Configuration {
	if len(plan.Whole) > 0 {
		return shard.Configuration{wholeFile: lines(plan.Whole)}
	}
	return shard.Configuration{namesFile: lines(plan.Names)}
}

// isWhole reports whether the link of the kernel in a tree compiles it.
func isWhole(tree *kmake.Tree) bool {
	_, err := os.Stat(filepath.Join(tree.Dir, wholeFile))
	return err == nil
}

func lines(names []string) []byte {
	if len(names) == 0 {
		return nil
	}
	return []byte(strings.Join(names, "\n") + "\n")
}
