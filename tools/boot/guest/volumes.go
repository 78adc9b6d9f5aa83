// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"rules_modhash/tools/boot/plan"
)

// volumes holds why the data of a volume is not readable at all. It has no entry for a mounted volume.
type volumes map[string]error

// volumesNeed is what a kernel must have for volumes.
const volumesNeed = "the kernel needs CONFIG_BLK_DEV_LOOP, CONFIG_DM_VERITY, CONFIG_CRYPTO_SHA256, and CONFIG_EROFS_FS"

// setUp mounts the volumes of a plan.
func setUp(all []plan.Volume) (volumes, error) {
	v := volumes{}
	for _, volume := range all {
		broken, err := setUpOne(volume)
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w (%s)", volume.Name, err, volumesNeed)
		}
		if broken != nil {
			v[volume.Name] = broken
		}
	}
	return v, nil
}

// setUpOne mounts one volume. The first result is not nil if its data is not readable: that is no failure, but what dm-verity
// is for.
func setUpOne(v plan.Volume) (broken, err error) {
	device, err := attach(v.Image)
	if err != nil {
		return nil, err
	}
	if !v.Plain {
		if device, err = mapVerity(v.Name, strings.ReplaceAll(v.DeviceTable, plan.LoopDevice, device)); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(mkdir(plan.VolumesPath), mkdir(v.MountPoint())); err != nil {
		return nil, err
	}
	err = unix.Mount(device, v.MountPoint(), "erofs", unix.MS_RDONLY, "")
	if errors.Is(err, unix.EIO) {
		return err, nil
	}
	if err != nil {
		return nil, fmt.Errorf("mounting %s: %w", device, err)
	}
	return nil, nil
}

func mkdir(path string) error {
	if err := unix.Mkdir(path, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return &fs.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

// check returns why a file that an attempt reads is not readable because all of its volume is not.
func (v volumes) check(a plan.Attempt) error {
	for _, file := range a.Reads() {
		name, _ := plan.VolumeOf(file)
		if err := v[name]; err != nil {
			return err
		}
	}
	return nil
}

// Numbers of devices that each kernel with these drivers has (Documentation/admin-guide/devices.txt). There is no udev, and the
// kernel may lack devtmpfs: /init makes the files of devices itself.
const (
	miscMajor        = 10
	loopMajor        = 7
	loopControlMinor = 237
	dmControlMinor   = 236
)

// makeNode makes the file of a device, if it is not there.
func makeNode(path string, kind uint32, device uint64) error {
	if err := unix.Mknod(path, kind|0o600, int(device)); err != nil && !errors.Is(err, unix.EEXIST) {
		return &fs.PathError{Op: "mknod", Path: path, Err: err}
	}
	return nil
}

// openNode makes and opens the file of a device.
func openNode(path string, kind uint32, device uint64) (int, error) {
	if err := makeNode(path, kind, device); err != nil {
		return -1, err
	}
	return open(path, unix.O_RDWR)
}

// attach gives a file a loop device, and returns the path of the device.
func attach(image string) (string, error) {
	backing, err := open(image, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer unix.Close(backing)
	control, err := openNode("/dev/loop-control", unix.S_IFCHR, unix.Mkdev(miscMajor, loopControlMinor))
	if err != nil {
		return "", err
	}
	defer unix.Close(control)
	number, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return "", fmt.Errorf("looking for a free loop device: %w", err)
	}
	path := fmt.Sprintf("/dev/loop%d", number)
	loop, err := openNode(path, unix.S_IFBLK, unix.Mkdev(loopMajor, uint32(number)))
	if err != nil {
		return "", err
	}
	defer unix.Close(loop)
	config := &unix.LoopConfig{Fd: uint32(backing), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_READ_ONLY}}
	if err := unix.IoctlLoopConfigure(loop, config); err != nil {
		return "", fmt.Errorf("attaching %s to %s: %w", image, path, err)
	}
	return path, nil
}
