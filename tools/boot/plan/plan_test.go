// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func TestParseErrors(t *testing.T) {
	attempt := func(rest string) string {
		return fmt.Sprintf(`{"attempts":[{"name":"a","module":"/m.ko","expect":{"result":"ok"}%s}]}`, rest)
	}
	expecting := func(expect string) string {
		return fmt.Sprintf(`{"attempts":[{"name":"a","module":"/m.ko","expect":{%s}}]}`, expect)
	}
	volume := func(volume string) string {
		return fmt.Sprintf(`{"volumes":[%s],"attempts":[{"name":"a","module":"/volumes/v/m.ko","expect":{"result":"ok"}}]}`, volume)
	}
	for _, test := range []struct{ name, plan, want string }{
		{"no JSON", "attempts", "reading the boot plan: invalid character 'a' looking for beginning of value"},
		{"unknown field", `{"boots":[]}`, `reading the boot plan: json: unknown field "boots"`},
		{"more behind", attempt("") + "{}", "reading the boot plan: got data after its end, want none"},
		{"no attempts", `{}`, "boot plan: got no attempts, want at least one"},
		{"no name", `{"attempts":[{"module":"/m.ko"}]}`,
			`boot plan: attempt 1 (""): name: got an empty one or one with control characters, want printable text`},
		{"name twice", `{"attempts":[{"name":"a","module":"/m","expect":{"result":"ok"}},{"name":"a","module":"/n","expect":{"result":"ok"}}]}`,
			`boot plan: attempt 2: got the name "a" a second time, want names that differ`},
		{"arguments of init", attempt(`,"cmdline":"quiet -- 1"`),
			`boot plan: attempt 1 ("a"): cmdline: got "quiet -- 1", want no "--": what follows it goes to init`},
		{"relative module", attempt(`,"module":"m.ko"`),
			`boot plan: attempt 1 ("a"): module: got "m.ko", want an absolute path in the initramfs`},
		{"unclean module", attempt(`,"module":"/a/../m.ko"`),
			`boot plan: attempt 1 ("a"): module: got "/a/../m.ko", want an absolute path in the initramfs`},
		{"path for modprobe", attempt(`,"via":"modprobe"`),
			`boot plan: attempt 1 ("a"): module: got "/m.ko", want a module's name for modprobe`},
		{"unknown way", attempt(`,"via":"insmod"`),
			`boot plan: attempt 1 ("a"): via: got "insmod", want finit_module, init_module or modprobe`},
		{"unknown flag", attempt(`,"flags":["force"]`),
			`boot plan: attempt 1 ("a"): flags: got "force", want names among compressed_file, ignore_modversions, ignore_vermagic`},
		{"flags without a file", attempt(`,"via":"init_module","flags":["ignore_vermagic"]`),
			`boot plan: attempt 1 ("a"): flags: got ["ignore_vermagic"] with init_module, want none: only finit_module accepts flags`},
		{"no result", expecting(``), `boot plan: attempt 1 ("a"): result: got "", want ok or the name of an errno such as EKEYREJECTED`},
		{"unknown result", expecting(`"result":"refused"`),
			`boot plan: attempt 1 ("a"): result: got "refused", want ok or the name of an errno such as EKEYREJECTED`},
		{"unknown taint", expecting(`"result":"ok","taint":"Z"`),
			`boot plan: attempt 1 ("a"): taint: got "Z", want letters among PFSRMBUDAWCIOELKXTNJ`},
		{"taint order", expecting(`"result":"ok","taint":"OE"`),
			`boot plan: attempt 1 ("a"): taint: got "OE", want each letter once, in alphabetical order: "EO"`},
		{"relative path", expecting(`"result":"ok","exists":["sys"]`), `boot plan: attempt 1 ("a"): exists: got "sys", want an absolute path`},
		{"loaded though refused", expecting(`"result":"EPERM","loaded":["m"]`),
			`boot plan: attempt 1 ("a"): exists, loaded: got some with the result EPERM, want none: nothing is loaded`},
		{"copy of a relative path", attempt(`,"copy":[{"from":"m","to":"/m"}]`),
			`boot plan: attempt 1 ("a"): copy: got "m" to "/m", want two absolute paths`},
		{"copy to an unclean path", attempt(`,"copy":[{"from":"/m","to":"/tmp/"}]`),
			`boot plan: attempt 1 ("a"): copy: got "/m" to "/tmp/", want two absolute paths`},
		{"write to a relative path", attempt(`,"write":[{"path":"enforce","text":"0"}]`),
			`boot plan: attempt 1 ("a"): write: got "enforce", want an absolute path`},
		{"write of nothing", attempt(`,"write":[{"path":"/x"}]`), `boot plan: attempt 1 ("a"): write: got no text for /x, want some`},
		{"unknown result of a write", attempt(`,"write":[{"path":"/x","text":"0","result":"no"}]`),
			`boot plan: attempt 1 ("a"): write: got the result "no" for /x, want ok or the name of an errno such as EACCES`},
		{"name of a volume", volume(`{"name":"a/b","image":"/i"}`), `boot plan: volume 1 ("a/b"): name: got one that is no name of a device, ` +
			`want at most 127 letters, digits, '_', '.' and '-', '.' and '-' not at its start`},
		{"volume above", volume(`{"name":"..","image":"/i"}`), `boot plan: volume 1 (".."): name: got one that is no name of a device, ` +
			`want at most 127 letters, digits, '_', '.' and '-', '.' and '-' not at its start`},
		{"two volumes with one name", volume(`{"name":"v","image":"/i"},{"name":"v","image":"/j"}`),
			`boot plan: volume 2: got the name "v" a second time, want names that differ`},
		{"relative image", volume(`{"name":"v","image":"i"}`), `boot plan: volume 1 ("v"): image: got "i", want an absolute path in the initramfs`},
		{"relative table", volume(`{"name":"v","image":"/i","table":"i"}`),
			`boot plan: volume 1 ("v"): table: got "i", want an absolute path in the initramfs`},
		{"table without dm-verity", volume(`{"name":"v","image":"/i","table":"/j","plain":true}`),
			`boot plan: volume 1 ("v"): plain: got it with table or options, want it without: only dm-verity has these`},
		{"options without dm-verity", volume(`{"name":"v","image":"/i","options":["ignore_corruption"],"plain":true}`),
			`boot plan: volume 1 ("v"): plain: got it with table or options, want it without: only dm-verity has these`},
		{"unknown option", volume(`{"name":"v","image":"/i","options":["x"]}`), `boot plan: volume 1 ("v"): options: got "x", want names among ` +
			`check_at_most_once, ignore_corruption, ignore_zero_blocks, panic_on_corruption, restart_on_corruption`},
		{"module on no volume", volume(``), `boot plan: attempt 1 ("a"): got the file /volumes/v/m.ko, want one of a volume of the plan: []`},
		{"module on another volume", volume(`{"name":"w","image":"/i"}`),
			`boot plan: attempt 1 ("a"): got the file /volumes/v/m.ko, want one of a volume of the plan: ["w"]`},
		{"copy from no volume", attempt(`,"copy":[{"from":"/volumes/v/m.ko","to":"/tmp/m.ko"}]`),
			`boot plan: attempt 1 ("a"): got the file /volumes/v/m.ko, want one of a volume of the plan: []`},
		{"log of two lines", expecting(`"result":"ok","no_log":["a\nb"]`), `boot plan: attempt 1 ("a"): log: got "a\nb", want a part of one line`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.plan))
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	want := &Plan{Volumes: []Volume{
		{Name: "v", Image: "/i", Table: "/j", Options: []string{"ignore_corruption"}, DeviceTable: "0 8 verity"},
		{Name: "plain.2", Image: "/i", Plain: true},
	}, Attempts: []Attempt{{
		Copy:  []FileCopy{{"/volumes/v/m.ko", "/m.ko"}},
		Write: []FileWrite{{Path: "/sys/x", Text: "0\n", Result: "EPERM"}, {Path: "/sys/x", Text: "1"}},
		Name:  "a", Cmdline: "lockdown=integrity", Fresh: true, Via: FinitModule, Module: "/m.ko", Parameters: "n=1",
		Flags: []string{"ignore_vermagic"},
		Expect: Expectation{
			Result: "ok", Taint: "EF", Loaded: []string{"m"}, Exists: []string{"/sys/kernel/btf/m"}, Log: []string{"x"}, NoLog: []string{"y"},
		},
	}}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(data)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestBoots(t *testing.T) {
	for _, test := range []struct {
		name string
		// attempts are command lines, with a "!" in front of fresh ones.
		attempts, want []string
	}{
		{"one boot", []string{"", "", ""}, []string{"0: , , "}},
		{"options change", []string{"a", "a", "b", "a"}, []string{"0: a, a", "2: b", "3: a"}},
		{"fresh", []string{"!a", "a", "!a", "a"}, []string{"0: a, a", "2: a, a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &Plan{}
			for _, a := range test.attempts {
				cmdline, fresh := strings.CutPrefix(a, "!")
				p.Attempts = append(p.Attempts, Attempt{Cmdline: cmdline, Fresh: fresh})
			}
			var got []string
			for _, b := range p.Boots() {
				var lines []string
				for _, a := range b.Attempts {
					if a.Cmdline != b.Cmdline {
						t.Errorf("an attempt with %q is in a boot with %q", a.Cmdline, b.Cmdline)
					}
					lines = append(lines, a.Cmdline)
				}
				got = append(got, fmt.Sprintf("%d: %s", b.First, strings.Join(lines, ", ")))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAction(t *testing.T) {
	a := Attempt{Module: "/m.ko", Parameters: "n=1", Flags: []string{"ignore_vermagic", "compressed_file"}}
	if got, want := a.Action(), "finit_module /m.ko n=1 (ignore_vermagic, compressed_file)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReads(t *testing.T) {
	copied := []FileCopy{{"/volumes/v/m.ko", "/tmp/m.ko"}, {"/tmp/m.ko", "/tmp/n.ko"}}
	for _, test := range []struct {
		attempt Attempt
		want    []string
	}{
		{Attempt{Module: "/m.ko"}, []string{"/m.ko"}},
		{Attempt{Module: "/m.ko", Copy: copied}, []string{"/volumes/v/m.ko", "/m.ko"}},
		{Attempt{Module: "/tmp/n.ko", Copy: copied}, []string{"/volumes/v/m.ko"}},
		{Attempt{Module: "m", Via: Modprobe}, nil},
	} {
		if got := test.attempt.Reads(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: got %q, want %q", test.attempt, got, test.want)
		}
	}
}

func TestVolume(t *testing.T) {
	for _, test := range []struct {
		volume Volume
		want   string
	}{
		{Volume{Name: "v", Image: "/i"}, "/i"},
		{Volume{Name: "v", Image: "/i", Table: "/j"}, "/j"},
		{Volume{Name: "v", Image: "/i", Plain: true}, ""},
	} {
		if got := test.volume.TableImage(); got != test.want {
			t.Errorf("%+v: got the root hash of %q, want %q", test.volume, got, test.want)
		}
		file := test.volume.MountPoint() + "/kernel/m.ko"
		if name, ok := VolumeOf(file); name != "v" || !ok {
			t.Errorf("%s: got the volume %q, %v, want v", file, name, ok)
		}
	}
	for _, file := range []string{"/m.ko", "/volumes", "/volumes.ko"} {
		if name, ok := VolumeOf(file); ok {
			t.Errorf("%s: got the volume %q, want none", file, name)
		}
	}
}

func TestErrnoOfMessage(t *testing.T) {
	for _, test := range []struct {
		output string
		want   syscall.Errno
	}{
		{"modprobe: can't load module ext4 (kernel/fs/ext4/ext4.ko): Key was rejected by service", syscall.EKEYREJECTED},
		{"modprobe: ERROR: could not insert 'ext4': Operation not permitted", syscall.EPERM},
		{"modprobe: can't load module x: Invalid module format", 0},
		{"modprobe: can't load module x: Exec format error", syscall.ENOEXEC},
		{"insmod: ERROR: could not insert module: Required key not available", syscall.ENOKEY},
		{"", 0},
	} {
		got, ok := ErrnoOfMessage(test.output)
		if got != test.want || ok != (test.want != 0) {
			t.Errorf("%q: got %d, %v, want %d", test.output, got, ok, test.want)
		}
	}
}

func TestTaintOfMask(t *testing.T) {
	// Bits as in Documentation/admin-guide/tainted-kernels.rst.
	for mask, want := range map[uint64]string{
		0: "", 1: "P", 1 << 1: "F", 1 << 12: "O", 1 << 13: "E", 1<<12 | 1<<13: "EO", 1 << 15: "K", 1 << 18: "N", 1 << 63: "?",
	} {
		if got := TaintOfMask(mask); got != want {
			t.Errorf("%#x: got %q, want %q", mask, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			return
		}
		attempts := 0
		for _, b := range p.Boots() {
			if b.First != attempts || len(b.Attempts) == 0 {
				t.Fatalf("boot starts at %d with %d attempts, want at %d with some", b.First, len(b.Attempts), attempts)
			}
			attempts += len(b.Attempts)
		}
		if attempts != len(p.Attempts) {
			t.Fatalf("boots have %d attempts, want %d", attempts, len(p.Attempts))
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("a plan that was read is refused when written again: %v", err)
		}
	})
}
