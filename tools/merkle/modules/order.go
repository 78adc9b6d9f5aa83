// SPDX-License-Identifier: Apache-2.0

package modules

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"rules_modhash/tools/merkle/modules/order"
)

// kernelDir is where modules_install puts the modules of the kernel's own tree.
const kernelDir = "kernel/"

// Order is a modules.order file: the order in which Kbuild lists modules.
type Order struct {
	name  string
	lines []orderLine
}

// orderLine is one line of an Order.
type orderLine struct {
	number int
	text   string
	// path is text with .o replaced by .ko.
	path string
}

// ReadOrderFile reads the modules.order called name.
func ReadOrderFile(name string) (*Order, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadOrder(f, name)
}

// ReadOrder reads a modules.order: one path a line, of an object (.o, Linux 6.4
// and later) or of a module (.ko, before, and where it is installed). Lines may
// end in CR LF. Empty lines, other names and lines that name a module again are
// errors; name is used in messages.
func ReadOrder(r io.Reader, name string) (*Order, error) {
	o := &Order{name: name}
	seen := map[string]int{}
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		line, err := parseOrderLine(scanner.Text(), n)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if first, ok := seen[line.path]; ok {
			return nil, fmt.Errorf("%s:%d: %s is listed already, in line %d", name, n, line.text, first)
		}
		seen[line.path] = n
		o.lines = append(o.lines, line)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: reading modules.order: %w", name, len(o.lines)+1, err)
	}
	return o, nil
}

func parseOrderLine(text string, number int) (orderLine, error) {
	path, ok := order.ModulePath(text)
	line := orderLine{number: number, text: text, path: path}
	if !ok {
		return line, fmt.Errorf("%q is not a modules.order line, want a path that ends in .o or .ko", text)
	}
	return line, checkOrderPath(line.path)
}

func checkOrderPath(p string) error {
	if err := checkPath(p); err != nil {
		return fmt.Errorf("path %q %w", p, err)
	}
	return nil
}

// candidates returns the install paths that a line may mean, likeliest first. An
// object's path is relative to the kernel's source, whose modules are installed
// below kernel/; a module's path is usually an installed one.
func (l orderLine) candidates() [3]string {
	under, bare := kernelDir+l.path, strings.TrimPrefix(l.path, kernelDir)
	if strings.HasSuffix(l.text, ".o") {
		return [3]string{under, l.path, bare}
	}
	return [3]string{l.path, under, bare}
}

// Arrange returns the positions of modules by the order: result[i] is that of
// modules[i]. With complete set, every line must have its module; a module without
// a line is an error always.
func (o *Order) Arrange(modules []Module, complete bool) ([]uint32, error) {
	index := indexOf(modules)
	lines := make([]int, len(modules))
	positions := make([]uint32, len(modules))
	for position, line := range o.lines {
		i, ok := line.find(index)
		switch {
		case !ok && complete:
			return nil, fmt.Errorf("%s:%d: %s is listed, but no such module was given",
				o.name, line.number, line.text)
		case !ok:
			continue
		case lines[i] != 0:
			return nil, fmt.Errorf("%s:%d: %s names %s, which line %d names already",
				o.name, line.number, line.text, modules[i], lines[i])
		case uint64(position) > math.MaxUint32:
			return nil, fmt.Errorf("%s:%d: has more lines than a tree has positions", o.name, line.number)
		}
		lines[i], positions[i] = line.number, uint32(position)
	}
	return positions, o.checkListed(modules, lines)
}

func (l orderLine) find(index map[string]int) (int, bool) {
	for _, candidate := range l.candidates() {
		if i, ok := index[candidate]; ok {
			return i, true
		}
	}
	return 0, false
}

// checkListed returns an error for the first module that no line named.
func (o *Order) checkListed(modules []Module, lines []int) error {
	for i, m := range modules {
		if lines[i] == 0 {
			return fmt.Errorf("%s does not list %s (install path %s)", o.name, m, m.InstallPath)
		}
	}
	return nil
}

// Extend adds to the order, after its last line, those of modules that no line names, in bytewise order of
// install paths. modules are all modules of a tree: with the modules.order of a kernel, the kernel's own come
// first, where plain make has them, and modules from outside its source follow.
func (o *Order) Extend(modules []Module) {
	listed := o.listed(modules)
	var unlisted []string
	for i, m := range modules {
		if !listed[i] {
			unlisted = append(unlisted, m.InstallPath)
		}
	}
	slices.Sort(unlisted)
	for _, path := range unlisted {
		o.lines = append(o.lines, orderLine{number: len(o.lines) + 1, text: path, path: path})
	}
}

// listed reports for each of modules whether a line names it.
func (o *Order) listed(modules []Module) []bool {
	index := indexOf(modules)
	listed := make([]bool, len(modules))
	for _, line := range o.lines {
		if i, ok := line.find(index); ok {
			listed[i] = true
		}
	}
	return listed
}

// indexOf returns where in modules each install path is.
func indexOf(modules []Module) map[string]int {
	index := make(map[string]int, len(modules))
	for i, m := range modules {
		index[m.InstallPath] = i
	}
	return index
}

// Name returns the name given to ReadOrder.
func (o *Order) Name() string {
	return o.name
}
