// SPDX-License-Identifier: Apache-2.0

package root

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"rules_modhash/tools/internal/imagetest"
	"rules_modhash/tools/merkle/merkle"
)

// symbolFile hands over one System.map for each release.
func symbolFile(systemMap string) func(string) []Candidate {
	return func(string) []Candidate { return []Candidate{textCandidate("System.map", systemMap)} }
}

// textCandidate is a candidate with some contents.
func textCandidate(name, contents string) Candidate {
	return Candidate{name, func() (SymbolFile, error) { return memoryFile{strings.NewReader(contents)}, nil }}
}

type memoryFile struct{ *strings.Reader }

func (memoryFile) Close() error { return nil }

// readWith reads an arm64 Image of a release with candidates.
func readWith(candidates ...Candidate) (Found, error) {
	image := imagetest.ARM64ImageOf(binary.LittleEndian, testRoot, testRelease)
	// Another root that a System.map of another build would find.
	binary.LittleEndian.PutUint32(image[0x40:], 1)
	image[0x44] = 9
	return ReadKernelFrom(bytes.NewReader(image), Options{SymbolFiles: func(string) []Candidate { return candidates }})
}

// moved is a System.map in which the root is elsewhere.
func moved(systemMap, place string) string {
	return strings.Replace(systemMap, "0100 R", place+" R", 1)
}

// unfit are candidates that are not of the build of readWith's kernel, and why.
func unfit(t *testing.T) map[string]Candidate {
	t.Helper()
	full := imagetest.SystemMapWithBanner
	return map[string]Candidate{
		`is not a System.map: it begins with "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package"`: textCandidate("placeholder", imagetest.Placeholder),
		"is empty": textCandidate("empty", ""),
		`is not a System.map: it begins with "` + strings.Repeat("x", 120) + `"`:    textCandidate("long", strings.Repeat("x", 1000)),
		"is not of a kernel: it has none of the symbols":                            textCandidate("other", "00 T main\n"),
		"has no symbol module_hashes_root: was the kernel built with CONFIG_MODULE": textCandidate("plain kernel", strings.Replace(full, "module_hashes_root", "other", 1)),
		"has no symbol _text": textCandidate("part", "ffff800080000100 R module_hashes_root\n"),
		"has module_hashes_root, 36 bytes, at 504: EOF. Is it of the same build?":                                  textCandidate("cut off", moved(full, "01f8")),
		"has module_hashes_root at 0xffff800080009000, _text at 0xffff800080000000: not in one image of 512 bytes": textCandidate("outside", moved(full, "9000")),
		"is of another build: linux_banner is not at byte 400, where it should be":                                 textCandidate("moved", strings.Replace(full, "0180 D", "0190 D", 1)),
		"is of another build: linux_banner is not at byte 401, where it should be":                                 textCandidate("moved, without the root", "ffff800080000000 T _text\nffff800080000191 D linux_banner\n"),
		"does not fit: root has 1970170188 levels":                                                                 textCandidate("no root", moved(full, "0180")),
		"has module_hashes_root at 0xffff800080000100 and at 0xffff800080000040":                                   textCandidate("two places", full+moved(full, "0040")),
		"is for ELFCLASS64 ELFDATA2LSB EM_X86_64, the kernel for ELFCLASS64 ELFDATA2LSB EM_AARCH64":                textCandidate("other architecture", string(imagetest.VmlinuxOf(t, "x86_64", testRoot, testRelease, false))),
		"has no symbols":            textCandidate("stripped", string(imagetest.VmlinuxOf(t, "arm64", testRoot, testRelease, true))),
		"cannot be read as an ELF":  textCandidate("damaged", "\x7fELF"),
		"cannot be opened: no such": {"gone", func() (SymbolFile, error) { return nil, errors.New("no such file") }},
	}
}

// TestUnfitCandidate has what cannot give the root, a placeholder for System.map above all: the next candidate gives it.
func TestUnfitCandidate(t *testing.T) {
	good := textCandidate("good", imagetest.SystemMapWithBanner)
	var all []Candidate
	for want, c := range unfit(t) {
		all = append(all, c)
		t.Run(c.Name, func(t *testing.T) {
			_, err := readWith(c)
			if want = c.Name + " " + want; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v, want one with %q", err, want)
			}
			if blamed := strings.Contains(err.Error(), "CONFIG_MODULE_HASHES"); blamed != (c.Name == "plain kernel") {
				t.Errorf("the kernel's options are to blame: %v", err)
			}
			for _, candidates := range [][]Candidate{{c, good}, {good, c}} {
				if got, err := readWith(candidates...); err != nil || got.Root != testRoot || got.SymbolFile != "good" {
					t.Errorf("got %+v, %v", got, err)
				}
			}
		})
	}
	found, err := readWith(all...)
	for _, c := range all {
		if err == nil || !strings.Contains(err.Error(), c.Name+" ") {
			t.Errorf("error %v does not name %s", err, c.Name)
		}
	}
	if found.Format != FormatImage || found.Release != testRelease || found.SymbolFile != "" {
		t.Errorf("got %+v with the error", found)
	}
}

// TestVmlinuxAsSymbols takes the addresses from a vmlinux.
func TestVmlinuxAsSymbols(t *testing.T) {
	vmlinux := string(imagetest.VmlinuxOf(t, "arm64", merkle.Root{Levels: 1}, testRelease, false))
	if got, err := readWith(textCandidate("vmlinux", vmlinux)); err != nil || got.Root != testRoot || got.SymbolFile != "vmlinux" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestSeveralRoots has two candidates that both could be of the kernel's build, and give different roots.
func TestSeveralRoots(t *testing.T) {
	one, two := textCandidate("one", imagetest.SystemMap), textCandidate("two", moved(imagetest.SystemMap, "0040"))
	got, err := readWith(one, two)
	if err == nil || got.Root != (merkle.Root{}) || got.SymbolFile != "" {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, want := range []string{testRoot.String() + " by one", "1 09", "by two", "only one of them is of the same build"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
	if got, err := readWith(one, one); err != nil || got.Root != testRoot {
		t.Errorf("the same root twice: got %+v, %v", got, err)
	}
}

// TestWrongSystemMapName has a typing error in what the kernel does not need.
func TestWrongSystemMapName(t *testing.T) {
	name := t.TempDir() + "/vmlinux"
	if err := os.WriteFile(name, vmlinux(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(name, name+".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestSymbolsOutsideSegments has a stripped kernel without contents at the address of its root.
func TestSymbolsOutsideSegments(t *testing.T) {
	stripped := imagetest.VmlinuxOf(t, "ppc64le", testRoot, testRelease, true)
	_, err := ReadKernelFrom(bytes.NewReader(stripped), Options{SymbolFiles: symbolFile("c000 R module_hashes_root\n")})
	if err == nil || !strings.Contains(err.Error(), "has module_hashes_root at 0xc000, which the kernel has no contents for") {
		t.Errorf("got %v", err)
	}
}

// TestUnameForCandidates has unified kernel images whose .uname is wrong, or names what the kernel does not: the
// release is the kernel's own, also when symbols are looked for.
func TestUnameForCandidates(t *testing.T) {
	for own, want := range map[string]string{testRelease: testRelease, "": "7.1"} {
		image := imagetest.ARM64ImageOf(binary.LittleEndian, testRoot, own)
		uki := imagetest.UKI(t, map[string][]byte{".linux": image, ".uname": []byte("7.1")}, ".linux", ".uname")
		var asked []string
		found, err := ReadKernelFrom(bytes.NewReader(uki), Options{SymbolFiles: func(release string) []Candidate {
			asked = append(asked, release)
			return []Candidate{textCandidate("System.map", imagetest.SystemMap)}
		}})
		if err != nil || found.Release != want || len(asked) != 1 || asked[0] != want {
			t.Errorf("release %q: got %+v, asked for %q, %v", own, found, asked, err)
		}
	}
}

// TestSeveralKernels has unified kernel images with a kernel for each profile.
func TestSeveralKernels(t *testing.T) {
	kernel := func(levels uint32, release string) imagetest.Section {
		vmlinux := imagetest.VmlinuxOf(t, "x86_64", merkle.Root{Levels: levels, Hash: testRoot.Hash}, release, false)
		return imagetest.Section{Name: ".linux", Data: vmlinux}
	}
	profile := imagetest.Section{Name: ".profile"}
	text := imagetest.Section{Name: ".linux", Data: []byte("text")}
	for _, c := range []struct {
		name     string
		sections []imagetest.Section
		want     []string
	}{
		{"one root", []imagetest.Section{kernel(2, "1"), profile, kernel(2, "2")}, nil},
		{"two roots", []imagetest.Section{kernel(2, "1"), profile, kernel(3, "2")},
			[]string{"has 2 kernels with several roots: ", `kernel 1 (release "1") has 2 0102`, `kernel 2 (release "2") has 3 0102`}},
		{"one without a root", []imagetest.Section{kernel(2, "1"), profile, text}, []string{"the kernel in the unified kernel image carries no root"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := ReadKernelFrom(bytes.NewReader(imagetest.PE(t, c.sections...)), Options{})
			if len(c.want) == 0 && (err != nil || found.Root != testRoot) {
				t.Errorf("got %+v, %v", found, err)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want one with %q", err, want)
				}
			}
		})
	}
}
