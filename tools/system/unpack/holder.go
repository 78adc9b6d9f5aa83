// SPDX-License-Identifier: Apache-2.0

package unpack

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"rules_modhash/tools/archive/codec"
	"rules_modhash/tools/archive/container"
	"rules_modhash/tools/merkle/module"
	"rules_modhash/tools/merkle/root/image"
)

// maxLayers is how many compressions around one another are undone.
const maxLayers = 3

// bootImages are the boot images that may have an initramfs inside.
var bootImages = []image.Kind{
	image.KindUKI, image.KindAddon, image.KindFIT, image.KindAndroid, image.KindUBootInitramfs,
}

// Holds states why a file of that name, which r reads, may hold modules, as the rest of a sentence about it, "" if it
// does not. A module under a compression that the kernel does not load is one that may.
func Holds(name string, r io.Reader) string {
	head, err := peek(r)
	if err != nil {
		return fmt.Sprintf("cannot be read: %v", err)
	}
	format, compressed := codec.Of(head)
	if compressed && strings.Contains(path.Base(name), module.Suffix+".") {
		return fmt.Sprintf("has the name of a module, but is %s data, which the kernel does not load", format.Name)
	}
	return holds(head, r, maxLayers)
}

// peek returns the beginning of what r reads.
func peek(r io.Reader) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, container.HeadSize))
}

// holds looks at data that begin with head and go on with rest.
func holds(head []byte, rest io.Reader, layers int) string {
	if kind := container.Of(head); kind != container.None {
		return "is " + string(kind)
	}
	if kind := image.KindOf(bytes.NewReader(head), int64(len(head))); slices.Contains(bootImages, kind) {
		return "is " + kind.WithArticle()
	}
	format, ok := codec.Of(head)
	if !ok {
		return ""
	}
	if layers == 0 {
		return fmt.Sprintf("is compressed more than %d times", maxLayers)
	}
	contents, err := format.Open(io.MultiReader(bytes.NewReader(head), rest))
	if err == nil {
		head, err = peek(contents)
	}
	switch {
	case err != nil && format.Weak:
		return "" // it begins with few and usual bytes
	case err != nil:
		return fmt.Sprintf("is %s data that cannot be read: %v", format.Name, noEOF(err))
	}
	inner := holds(head, contents, layers-1)
	if inner == "" {
		return ""
	}
	return fmt.Sprintf("is %s data that %s", format.Name, inner)
}
