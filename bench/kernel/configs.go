// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// configuration is a kernel that can be measured.
type configuration struct {
	// base is the attribute of kernel_config with the base, fragments the files of the checkout that it continues with. In their
	// names, SERIES stands for the series of Linux.
	base      string
	fragments []string
	// modules is the file of the checkout with the list of modules, and list its name there.
	modules, list string
	// key is the file with trusted certificates, or "".
	key string
	// driver is a source of a driver, and text the start of a string in it. header is one that only one driver includes, option
	// an option that only one driver reads, and optionOf a file of that driver.
	driver, text, header, option, optionOf string
}

// configurations are the values of --config.
var configurations = map[string]configuration{
	"example": {
		base: `base = "tinyconfig"`,
		fragments: []string{
			"examples/kernel/boot.config", "examples/kernel/proc_sys_SERIES.config",
			"examples/kernel/security.config", "examples/kernel/modules.config",
		},
		modules:  "examples/kernel/modules.bzl",
		list:     "IN_TREE_MODULES",
		key:      "examples/kernel/testkey/TEST_ONLY_module_signing_key.x509.pem",
		driver:   "drivers/net/dummy.c",
		text:     `MODULE_DESCRIPTION("`,
		header:   "net/bridge/br_private_stp.h",
		option:   "CONFIG_EXT4_DEBUG=y",
		optionOf: "fs/ext4/ext4.h",
	},
	"cloud-amd64": {
		base:      `base_file = "base.config"`,
		fragments: []string{"examples/debian/hashes.config"},
		modules:   "examples/debian/modules.bzl",
		list:      "MODULES",
		driver:    "drivers/net/ethernet/amazon/ena/ena_netdev.c",
		text:      `MODULE_AUTHOR("`,
		header:    "drivers/net/ethernet/amazon/ena/ena_netdev.h",
		option:    "CONFIG_NVME_TARGET_DEBUGFS=y",
		optionOf:  "drivers/nvme/target/nvmet.h",
	},
}

// configNamed returns a configuration.
func configNamed(name string) (configuration, error) {
	c, ok := configurations[name]
	if !ok {
		names := slices.Sorted(maps.Keys(configurations))
		return c, fmt.Errorf("--config: got %q, want one of %s", name, strings.Join(names, ", "))
	}
	return c, nil
}

// archive is a line of the world's manifest: an input of builds.
type archive struct{ name, version, path string }

// series is the series of Linux that is measured: that of the examples.
const series = "7.2"

// parseManifest returns the archives of a manifest.
func parseManifest(text string) []archive {
	var found []archive
	for line := range strings.Lines(text) {
		if fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(fields) >= 4 && fields[0] == "archive" {
			found = append(found, archive{fields[1], fields[2], fields[3]})
		}
	}
	return found
}

// release is a point release of Linux: its source, and Debian's configuration for it.
type release struct {
	version        string
	source, config string
}

// releasesOf returns the point releases of the series that are among the archives, the oldest first.
func releasesOf(archives []archive) []release {
	var found []release
	for _, a := range archives {
		if a.name == "linux-source-"+series {
			version, _, _ := strings.Cut(a.version, "-")
			found = append(found, release{version, a.path, configOf(archives, a.version)})
		}
	}
	slices.SortFunc(found, func(a, b release) int { return compareVersions(a.version, b.version) })
	return found
}

func configOf(archives []archive, version string) string {
	for _, a := range archives {
		if a.name == "linux-config-"+series+"/cloud-amd64" && a.version == version {
			return a.path
		}
	}
	return ""
}

// compareVersions compares versions of one series.
func compareVersions(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// readReleases reads the manifest of the world.
func readReleases() ([]release, error) {
	const manifest = "/etc/rules_modhash/manifest.tsv"
	text, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	found := releasesOf(parseManifest(string(text)))
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: got no source of Linux %s in the world, want one", manifest, series)
	}
	return found, nil
}

// visible is the statement by which a .bzl file is for its own repository only.
var visible = regexp.MustCompile(`(?m)^visibility\(.*\)$`)

// files returns the files of a workspace for the kernel, by their names there. Archives are links.
func (c configuration) files(checkout string) (map[string][]byte, []string, error) {
	files := map[string][]byte{}
	var fragments []string
	add := func(name, from string) error {
		data, err := os.ReadFile(filepath.Join(checkout, from))
		files[name] = data
		return err
	}
	for _, from := range c.fragments {
		from = strings.ReplaceAll(from, "SERIES", series)
		fragments = append(fragments, filepath.Base(from))
		if err := add(filepath.Base(from), from); err != nil {
			return nil, nil, err
		}
	}
	if c.key != "" {
		if err := add("key.pem", c.key); err != nil {
			return nil, nil, err
		}
	}
	if err := add("modules.bzl", c.modules); err != nil {
		return nil, nil, err
	}
	files["modules.bzl"] = visible.ReplaceAll(files["modules.bzl"], nil)
	return files, fragments, nil
}
