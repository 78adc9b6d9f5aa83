// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// OK is the result of an attempt that loads the module.
const OK = "ok"

// Flags are the flags of finit_module(2) by name (include/uapi/linux/module.h, without the
// MODULE_INIT_ in front, in lower case).
var Flags = map[string]int{
	"ignore_modversions": unix.MODULE_INIT_IGNORE_MODVERSIONS,
	"ignore_vermagic":    unix.MODULE_INIT_IGNORE_VERMAGIC,
	"compressed_file":    0x4, // MODULE_INIT_COMPRESSED_FILE, not in package unix
}

func flagNames() []string {
	return slices.Sorted(maps.Keys(Flags))
}

// maxErrno is above all errno values of Linux (include/uapi/asm-generic/errno.h: 133).
const maxErrno = 256

// ErrnoName returns the name of an errno, such as EKEYREJECTED, or "errno N" for one without a name.
func ErrnoName(errno syscall.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return fmt.Sprintf("errno %d", int(errno))
}

// ErrnoOfMessage finds the errno whose message (strerror(3)) a program printed. If several fit, the
// one with the longest message is meant. It returns false if none does.
func ErrnoOfMessage(output string) (syscall.Errno, bool) {
	output = strings.ToLower(output)
	found, length := syscall.Errno(0), 0
	for errno := syscall.Errno(1); errno < maxErrno; errno++ {
		message := errno.Error()
		if unix.ErrnoName(errno) != "" && len(message) > length && strings.Contains(output, message) {
			found, length = errno, len(message)
		}
	}
	return found, length > 0
}

func knownResult(result string) bool {
	if result == OK {
		return true
	}
	for errno := syscall.Errno(1); errno < maxErrno; errno++ {
		if result != "" && unix.ErrnoName(errno) == result {
			return true
		}
	}
	return false
}

// taintLetters are the kernel's taint flags by bit number, from bit 0 on (taint_flags,
// kernel/panic.c). A kernel that is not tainted by a proprietary module shows G at bit 0: no letter
// here.
const taintLetters = "PFSRMBUDAWCIOELKXTNJ"

// TaintOfMask returns the letters, in alphabetical order, of the flags in /proc/sys/kernel/tainted.
// Unknown flags are shown as "?".
func TaintOfMask(mask uint64) string {
	var letters []byte
	for bit := range 64 {
		switch {
		case mask>>bit&1 == 0:
		case bit < len(taintLetters):
			letters = append(letters, taintLetters[bit])
		default:
			letters = append(letters, '?')
		}
	}
	return SortTaint(string(letters))
}

// SortTaint returns the letters in alphabetical order, each once.
func SortTaint(letters string) string {
	b := []byte(letters)
	slices.Sort(b)
	return string(slices.Compact(b))
}

func checkTaint(taint string) error {
	for _, letter := range taint {
		if !strings.ContainsRune(taintLetters, letter) {
			return fmt.Errorf("got %q, want letters among %s", taint, taintLetters)
		}
	}
	if sorted := SortTaint(taint); sorted != taint {
		return fmt.Errorf("got %q, want each letter once, in alphabetical order: %q", taint, sorted)
	}
	return nil
}
