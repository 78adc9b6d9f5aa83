// SPDX-License-Identifier: Apache-2.0

package action

import (
	"os"
	"path/filepath"
)

// Where the kernel finds files that its configuration names and that are not part of its source.
const (
	// TrustedKeys has the certificates that are compiled in: CONFIG_SYSTEM_TRUSTED_KEYS.
	TrustedKeys = "certs/rules_modhash_trusted.pem"
	// BootPolicy has the policy of IPE that is compiled in: CONFIG_IPE_BOOT_POLICY.
	BootPolicy = "security/ipe/rules_modhash_boot_policy"
)

// Supplied are such files. Those with an empty name are not there.
type Supplied struct {
	// Trusted are certificates in PEM.
	Trusted string
	// Policy is the text of a policy.
	Policy string
}

// places returns where each file belongs in the source.
func (s Supplied) places() map[string]string {
	return map[string]string{TrustedKeys: s.Trusted, BootPolicy: s.Policy}
}

// isSupplied reports whether a path in the source is the place of such a file.
func isSupplied(path string) bool {
	_, ok := Supplied{}.places()[path]
	return ok
}

// copyInto copies the files to the source in a directory.
func (s Supplied) copyInto(dir string) error {
	for place, from := range s.places() {
		if err := copyInto(dir, map[string]string{from: place}); err != nil {
			return err
		}
	}
	return nil
}

// copyIntoShard copies those files whose directories a shard has.
func (s Supplied) copyIntoShard(dir string) error {
	for place, from := range s.places() {
		if _, missing := os.Stat(filepath.Dir(filepath.Join(dir, place))); missing != nil {
			continue
		}
		if err := copyInto(dir, map[string]string{from: place}); err != nil {
			return err
		}
	}
	return nil
}
