// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"rules_modhash/tools/archive/initramfs"
	"rules_modhash/tools/boot/guest"
	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/moduleimage"
)

func (o *options) addPlan(a *initramfs.Archive) error {
	data, err := os.ReadFile(o.plan)
	if err != nil {
		return err
	}
	p, err := plan.Parse(data)
	if err != nil {
		return err
	}
	if err := checkFiles(a, p); err != nil {
		return err
	}
	if len(p.Volumes) > 0 {
		if data, err = withTables(a, p); err != nil {
			return err
		}
	}
	return a.AddText(plan.GuestPath, string(data), o.plan)
}

// checkFiles checks that the archive has the files that a plan names. What is in volumes shows only when they are mounted.
func checkFiles(a *initramfs.Archive, p *plan.Plan) error {
	for _, attempt := range p.Attempts {
		files := attempt.Reads()
		if attempt.Via == plan.Modprobe {
			files = append(files, guest.Busybox)
		}
		for _, file := range files {
			if _, ok := plan.VolumeOf(file); !ok && !a.IsFile(file) {
				return fmt.Errorf("attempt %q needs the file %s, which is not in the initramfs", attempt.Name, file)
			}
		}
	}
	for _, volume := range p.Volumes {
		for _, file := range []string{volume.Image, volume.Table} {
			if file != "" && !a.IsFile(file) {
				return fmt.Errorf("volume %q needs the file %s, which is not in the initramfs", volume.Name, file)
			}
		}
	}
	return nil
}

// withTables returns the plan with the device tables of its volumes. /init does not compute them: that takes packages which make
// it larger, and which need more of a kernel.
func withTables(a *initramfs.Archive, p *plan.Plan) ([]byte, error) {
	for i := range p.Volumes {
		v := &p.Volumes[i]
		if v.Plain {
			continue
		}
		table, err := deviceTable(a, *v)
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w", v.Name, err)
		}
		v.DeviceTable = table
	}
	return json.MarshalIndent(p, "", "  ")
}

// deviceTable returns the line for the device mapper, with the root hash of a module image.
func deviceTable(a *initramfs.Archive, v plan.Volume) (string, error) {
	image := a.Host(v.TableImage())
	if image == "" {
		return "", fmt.Errorf("got the image %s, which is in no --entry, want a regular file of one", v.TableImage())
	}
	r, err := moduleimage.Open(image)
	if err != nil {
		return "", err
	}
	table := r.Table(plan.LoopDevice)
	if len(v.Options) > 0 {
		table = fmt.Sprintf("%s %d %s", table, len(v.Options), strings.Join(v.Options, " "))
	}
	return table, r.Close()
}
