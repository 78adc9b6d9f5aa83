// SPDX-License-Identifier: Apache-2.0

package plan

import "fmt"

// FileCopy is a file that an attempt copies before it loads its module.
type FileCopy struct {
	// From and To are absolute paths in the virtual machine. A file at To is overwritten.
	From string `json:"from"`
	To   string `json:"to"`
}

// FileWrite is a text that an attempt writes to a file before it loads its module.
type FileWrite struct {
	// Path is the absolute path of a file that exists in the virtual machine, such as /sys/kernel/security/ipe/enforce.
	Path string `json:"path"`
	// Text is written at once: the kernel's own files require that.
	Text string `json:"text"`
	// Result is OK or the name of the errno that is expected. Empty: OK.
	Result string `json:"result,omitempty"`
}

// Expected is the result that is expected.
func (w FileWrite) Expected() string {
	if w.Result == "" {
		return OK
	}
	return w.Result
}

// Reads returns the files that the attempt itself reads, without those that it has copied: sources of copies, and the module.
// modprobe finds its modules itself.
func (a Attempt) Reads() []string {
	var files []string
	copied := map[string]bool{}
	for _, c := range a.Copy {
		if !copied[c.From] {
			files = append(files, c.From)
		}
		copied[c.To] = true
	}
	if a.method() != Modprobe && !copied[a.Module] {
		files = append(files, a.Module)
	}
	return files
}

// checkSteps checks what the attempt does before the load.
func (a Attempt) checkSteps() error {
	for _, c := range a.Copy {
		if !isClean(c.From) || !isClean(c.To) {
			return fmt.Errorf("copy: got %q to %q, want two absolute paths", c.From, c.To)
		}
	}
	for _, w := range a.Write {
		if !isClean(w.Path) {
			return fmt.Errorf("write: got %q, want an absolute path", w.Path)
		}
		if w.Text == "" {
			return fmt.Errorf("write: got no text for %s, want some", w.Path)
		}
		if !knownResult(w.Expected()) {
			return fmt.Errorf("write: got the result %q for %s, want ok or the name of an errno such as EACCES", w.Result, w.Path)
		}
	}
	return nil
}
