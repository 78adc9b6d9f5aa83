// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapVerity makes a device of the device mapper and returns its path. The table is one line: start, length, name of the target,
// and its parameters.
func mapVerity(name, table string) (string, error) {
	target, err := parseTable(table)
	if err != nil {
		return "", err
	}
	control, err := openNode("/dev/dm-control", unix.S_IFCHR, unix.Mkdev(miscMajor, dmControlMinor))
	if err != nil {
		return "", err
	}
	defer unix.Close(control)
	created, err := mapperCall(control, unix.DM_DEV_CREATE, name, 0, nil)
	if err != nil {
		return "", fmt.Errorf("creating the dm-verity device: %w", err)
	}
	// dm-verity accepts only tables that are read-only.
	if _, err := mapperCall(control, unix.DM_TABLE_LOAD, name, unix.DM_READONLY_FLAG, target); err != nil {
		return "", fmt.Errorf("loading the table %q: %w", table, err)
	}
	// Without the flag for it, this call does not suspend the device, but activates the table.
	if _, err := mapperCall(control, unix.DM_DEV_SUSPEND, name, 0, nil); err != nil {
		return "", fmt.Errorf("activating the table %q: %w", table, err)
	}
	path := fmt.Sprintf("/dev/dm-%d", unix.Minor(created.Dev))
	return path, makeNode(path, unix.S_IFBLK, unix.Mkdev(unix.Major(created.Dev), unix.Minor(created.Dev)))
}

// mapperCall makes a call with the header struct dm_ioctl (include/uapi/linux/dm-ioctl.h), and what follows it. It returns the
// header with what the kernel has filled in.
func mapperCall(control int, call uintptr, name string, flags uint32, target []byte) (*unix.DmIoctl, error) {
	header := &unix.DmIoctl{
		// Kernels accept each minor version up to their own: the first one has all of these calls.
		Version:    [3]uint32{unix.DM_VERSION_MAJOR},
		Data_size:  uint32(unix.SizeofDmIoctl + len(target)),
		Data_start: unix.SizeofDmIoctl,
		Flags:      flags,
	}
	if target != nil {
		header.Target_count = 1
	}
	copy(header.Name[:], name)
	data, err := binary.Append(nil, binary.NativeEndian, header)
	if err != nil {
		return nil, err
	}
	data = append(data, target...)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(control), call, uintptr(unsafe.Pointer(&data[0]))); errno != 0 {
		return nil, errno
	}
	_, err = binary.Decode(data, binary.NativeEndian, header)
	return header, err
}

// parseTable makes of a line of a table what the kernel reads: struct dm_target_spec, and the parameters with a NUL at their end,
// in a multiple of eight bytes.
func parseTable(line string) ([]byte, error) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 4 {
		return nil, fmt.Errorf("reading the table %q: got less than four fields, want start, length, target and parameters", line)
	}
	start, startErr := strconv.ParseUint(fields[0], 10, 64)
	length, lengthErr := strconv.ParseUint(fields[1], 10, 64)
	if err := errors.Join(startErr, lengthErr); err != nil {
		return nil, fmt.Errorf("reading the table %q: %w", line, err)
	}
	spec := &unix.DmTargetSpec{Sector_start: start, Length: length}
	copy(spec.Target_type[:], fields[2])
	data, err := binary.Append(nil, binary.NativeEndian, spec)
	if err != nil {
		return nil, err
	}
	data = append(data, fields[3]...)
	return append(data, make([]byte, 8-len(data)%8)...), nil
}
