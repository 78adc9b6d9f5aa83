// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// VolumesPath is the directory with the mount points of volumes in the virtual machine.
const VolumesPath = "/volumes"

// LoopDevice stands in Volume.DeviceTable for the path of the loop device, which only the virtual machine knows.
const LoopDevice = "LOOP"

// Volume is an image of a file system that is mounted, read-only, before the first attempt of each boot: a module image, which
// has a dm-verity hash tree behind its file system (package moduleimage).
type Volume struct {
	// Name is the name of the device, and of the mount point in VolumesPath. No two volumes have the same name.
	Name string `json:"name"`
	// Image is the absolute path of the image in the initramfs.
	Image string `json:"image"`
	// Table is the absolute path in the initramfs of the module image whose root hash and sizes the dm-verity device gets. Empty:
	// those of Image. With another one, the volume is what an attacker makes of the other image who changes its data.
	Table string `json:"table,omitempty"`
	// Options are optional parameters of the dm-verity device, such as ignore_corruption.
	Options []string `json:"options,omitempty"`
	// Plain mounts Image without dm-verity.
	Plain bool `json:"plain,omitempty"`
	// DeviceTable is the line by which the device mapper sets the volume up on LoopDevice. It follows from Table and Options:
	// mkinitramfs, which has the images at hand, puts it into the plan. Empty if Plain.
	DeviceTable string `json:"device_table,omitempty"`
}

// MountPoint is the directory on which the volume is mounted.
func (v Volume) MountPoint() string { return path.Join(VolumesPath, v.Name) }

// TableImage is the path in the initramfs of the image whose root hash the volume has, or empty if Plain.
func (v Volume) TableImage() string {
	switch {
	case v.Plain:
		return ""
	case v.Table == "":
		return v.Image
	}
	return v.Table
}

// VolumeOf returns the name of the volume that a file is in, and false for a file that is not below VolumesPath.
func VolumeOf(file string) (string, bool) {
	inner, ok := strings.CutPrefix(file, VolumesPath+"/")
	name, _, _ := strings.Cut(inner, "/")
	return name, ok
}

// volumeName has the length that the device mapper permits (DM_NAME_LEN), and characters that need no quotes.
var volumeName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,126}$`)

// volumeOptions are those optional parameters of dm-verity that change what it checks, or what it does with what is wrong
// (Documentation/admin-guide/device-mapper/verity.rst).
var volumeOptions = []string{
	"check_at_most_once", "ignore_corruption", "ignore_zero_blocks", "panic_on_corruption", "restart_on_corruption",
}

func (p *Plan) checkVolumes() error {
	seen := map[string]bool{}
	for i, v := range p.Volumes {
		if err := v.check(); err != nil {
			return fmt.Errorf("boot plan: volume %d (%q): %w", i+1, v.Name, err)
		}
		if seen[v.Name] {
			return fmt.Errorf("boot plan: volume %d: got the name %q a second time, want names that differ", i+1, v.Name)
		}
		seen[v.Name] = true
	}
	return nil
}

func (v Volume) check() error {
	if !volumeName.MatchString(v.Name) {
		return errors.New("name: got one that is no name of a device, want at most 127 letters, digits, '_', '.' and '-', " +
			"'.' and '-' not at its start")
	}
	if !isClean(v.Image) {
		return fmt.Errorf("image: got %q, want an absolute path in the initramfs", v.Image)
	}
	if v.Table != "" && !isClean(v.Table) {
		return fmt.Errorf("table: got %q, want an absolute path in the initramfs", v.Table)
	}
	if v.Plain && (v.Table != "" || len(v.Options) > 0) {
		return errors.New("plain: got it with table or options, want it without: only dm-verity has these")
	}
	for _, option := range v.Options {
		if !slices.Contains(volumeOptions, option) {
			return fmt.Errorf("options: got %q, want names among %s", option, strings.Join(volumeOptions, ", "))
		}
	}
	return nil
}

// checkReads checks that the files on volumes that an attempt reads are on volumes of the plan.
func (p *Plan) checkReads(a Attempt) error {
	var names []string
	for _, v := range p.Volumes {
		names = append(names, v.Name)
	}
	for _, file := range a.Reads() {
		if name, ok := VolumeOf(file); ok && !slices.Contains(names, name) {
			return fmt.Errorf("got the file %s, want one of a volume of the plan: %q", file, names)
		}
	}
	return nil
}

// isClean reports whether a path is absolute, and has neither "." and ".." nor empty parts.
func isClean(file string) bool {
	return path.IsAbs(file) && path.Clean(file) == file
}
