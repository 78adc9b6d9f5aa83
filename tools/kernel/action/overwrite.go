// SPDX-License-Identifier: Apache-2.0

package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"rules_modhash/tools/ipe"
	"rules_modhash/tools/kernel/kconfig"
	"rules_modhash/tools/kernel/kmake"
	"rules_modhash/tools/merkle/root/object"
)

// Overwrite is the action that writes what stands for its modules into a linked kernel, and makes the rest of it again: the root
// of the RootObject, if it has a name, and the policy.
type Overwrite struct {
	Link
	// Blank is what Kbuild linked with the blank root, as Build or Blank wrote it: Outputs.VmlinuxUnstripped.
	Blank string
	// BlankPolicy is the policy of IPE that was compiled in, Policy the one that takes its place. Both or none have a name.
	BlankPolicy, Policy string
}

// Run writes all outputs or none.
func (o *Overwrite) Run(ctx context.Context) error {
	return o.inTree(ctx, func(tree *kmake.Tree) error {
		if err := o.checkEnforced(tree.Dir); err != nil {
			return err
		}
		// Prepare has done so for a kernel in shards.
		if !o.Shards {
			if err := tree.Record(ctx); err != nil {
				return err
			}
		}
		linked, err := linkedVmlinux(tree.Dir)
		if err != nil {
			return err
		}
		if err := o.writeLinked(filepath.Join(tree.Dir, linked)); err != nil {
			return err
		}
		if linked == kmake.Unstripped {
			if err := strip(ctx, tree); err != nil {
				return err
			}
		}
		return tree.MakeImage(ctx)
	})
}

// strip makes vmlinux of what was linked. That is as old as all else that was made of the one with the blank root:
// nothing but vmlinux depends on the root.
func strip(ctx context.Context, tree *kmake.Tree) error {
	if err := os.Chtimes(filepath.Join(tree.Dir, kmake.Unstripped), tree.Stamp, tree.Stamp); err != nil {
		return err
	}
	return tree.StripVmlinux(ctx)
}

// writeLinked writes the linked kernel, with root and policy.
func (o *Overwrite) writeLinked(name string) error {
	if err := copyInto(filepath.Dir(name), map[string]string{o.Blank: filepath.Base(name)}); err != nil {
		return err
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(o.writeRoot(file), o.writePolicy(file), file.Close())
}

func (o *Overwrite) writeRoot(file *os.File) error {
	if o.RootObject == "" {
		return nil
	}
	root, err := readRootObject(o.RootObject)
	if err != nil {
		return err
	}
	return o.inBlank(object.Overwrite(file, root))
}

// enforcing are options of a kernel that enforces a policy.
var enforcing = []kconfig.Option{
	{Name: "CONFIG_SECURITY_IPE", Value: "y"},
	{Name: "CONFIG_IPE_PROP_DM_VERITY", Value: "y"},
	{Name: "CONFIG_IPE_BOOT_POLICY", Value: strconv.Quote(BootPolicy)},
}

// checkEnforced checks that the kernel in a tree enforces the policy: without one of these options, it starts all the same, and
// allows everything.
func (o *Overwrite) checkEnforced(dir string) error {
	if o.Policy == "" {
		return nil
	}
	options, err := readOptions([]string{filepath.Join(dir, ".config")})
	if err != nil {
		return err
	}
	values := kconfig.Values(options)
	for _, option := range enforcing {
		if got := values[option.Name]; got != option.Value {
			return fmt.Errorf("configuration: got %s=%s, want %s: the kernel would not enforce the policy", option.Name, cmp.Or(got, "n"), option.Value)
		}
	}
	modules, err := strconv.Unquote(values["CONFIG_LSM"])
	if err != nil || !slices.Contains(strings.Split(modules, ","), "ipe") {
		return fmt.Errorf("configuration: got CONFIG_LSM=%s, want a list with ipe: the kernel would not enforce the policy", values["CONFIG_LSM"])
	}
	return nil
}

func (o *Overwrite) writePolicy(file *os.File) error {
	if o.Policy == "" {
		return nil
	}
	blank, err := os.ReadFile(o.BlankPolicy)
	if err != nil {
		return err
	}
	policy, err := os.ReadFile(o.Policy)
	if err != nil {
		return err
	}
	return o.inBlank(ipe.Overwrite(file, blank, policy))
}

// inBlank adds the name of the linked kernel to an error.
func (o *Overwrite) inBlank(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", o.Blank, err)
}

// readRootObject returns the root that a root object has.
func readRootObject(name string) (object.Found, error) {
	file, err := os.Open(name)
	if err != nil {
		return object.Found{}, err
	}
	defer file.Close()
	found, err := object.Read(file)
	if err == nil && found.Format != object.FormatObject {
		err = fmt.Errorf("is a %s, want a root object", found.Format)
	}
	if err != nil {
		return object.Found{}, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}
