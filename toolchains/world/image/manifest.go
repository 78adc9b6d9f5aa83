// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// manifestPath is where provision.sh writes the manifest of a world.
const manifestPath = "etc/rules_modhash/manifest.tsv"

// manifest is what the image states of the world.
type manifest struct {
	// suite is the Debian suite.
	suite string
	// date is that of the Debian archive: the timestamp of the image and of all its files.
	date time.Time
	// digest is the SHA-256 of the manifest.
	digest string
}

// readManifest reads the manifest of the world with the root directory root.
func readManifest(root string) (manifest, error) {
	data, err := os.ReadFile(filepath.Join(root, manifestPath))
	if err != nil {
		return manifest{}, fmt.Errorf("reading the manifest of the world: %w. Next: run ./bazelw --clean-world: the next build makes a new world", err)
	}
	digest := sha256.Sum256(data)
	m := manifest{digest: hex.EncodeToString(digest[:])}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 3 || fields[0] != "note" {
			continue
		}
		switch fields[1] {
		case "suite":
			m.suite = fields[2]
		case "archive-date":
			if m.date, err = time.Parse(time.RFC1123, fields[2]); err != nil {
				return manifest{}, fmt.Errorf("%s: note archive-date: %w", manifestPath, err)
			}
		}
	}
	if m.suite == "" || m.date.IsZero() {
		return manifest{}, fmt.Errorf("%s: got no notes suite and archive-date, want both. Next: run ./bazelw --clean-world: the next build makes a new world", manifestPath)
	}
	m.date = m.date.UTC()
	return m, nil
}
