// SPDX-License-Identifier: Apache-2.0

package record

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFormatParse(t *testing.T) {
	for _, want := range []Record{
		{Kind: Begin, Attempt: 3},
		{Kind: Done},
		{Kind: Failed, Error: "open \"/x\":\nno such file"},
		{Kind: Result, Attempt: 1, Outcome: &Outcome{
			Result: "ok", Writes: []string{"ok", "EACCES"}, Taint: "EO", Loaded: []string{"a", "b"}, Missing: []string{"/sys/x"},
			Output: "½", Unload: "EBUSY",
		}},
	} {
		line, err := want.Format()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "\n") {
			t.Errorf("%q has several lines", line)
		}
		got, err := Parse("[    4.507904] " + line + "\r")
		if err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestFormatCutsOutput(t *testing.T) {
	r := Record{Kind: Result, Outcome: &Outcome{Result: "EPERM", Output: strings.Repeat("ü\n", 2000)}}
	line, err := r.Format()
	if err != nil {
		t.Fatal(err)
	}
	if len(line) > maxLine {
		t.Errorf("got %d bytes, want at most %d", len(line), maxLine)
	}
	got, err := Parse(line)
	if err != nil || got.Outcome.Result != "EPERM" || !strings.HasSuffix(got.Outcome.Output, ellipsis) {
		t.Errorf("got %+v, %v", got, err)
	}
	if len(r.Outcome.Output) != 6000 {
		t.Error("the caller's record was changed")
	}
}

func TestFormatTooLong(t *testing.T) {
	r := Record{Kind: Result, Outcome: &Outcome{Result: "ok", Loaded: []string{strings.Repeat("x", 1000)}}}
	const want = "writing a record: it has 1080 bytes, the kernel's log accepts 960"
	if _, err := r.Format(); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"cut off", `boot-test: {"kind":"be`, `reading a record: unexpected end of JSON input, in "boot-test: {\"kind\":\"be"`},
		{"unknown kind", `boot-test: {"kind":"x"}`,
			`reading a record: got the kind "x", want begin, result, done or failed, in "boot-test: {\"kind\":\"x\"}"`},
		{"no outcome", `boot-test: {"kind":"result"}`,
			`reading a record: got a result without an outcome, in "boot-test: {\"kind\":\"result\"}"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.line)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

// The logs in testdata are of real boots of a distribution's kernel, most lines in front of /init left
// out.
func TestParseSerial(t *testing.T) {
	const stamp = "[    4.507904] "
	for _, test := range []struct {
		file string
		want Serial
	}{
		{"done", Serial{Started: true, Done: true, Attempts: []Attempt{
			{Index: 0, Outcome: &Outcome{Result: "ok", Loaded: []string{"dummy"}}},
			{Index: 1, Outcome: &Outcome{Result: "ok", Loaded: []string{"dummy"}}},
			{Index: 2, Outcome: &Outcome{Result: "ok", Loaded: []string{"dummy"}}},
			{Index: 3, Outcome: &Outcome{Result: "EKEYREJECTED"}},
			{Index: 4, Outcome: &Outcome{Result: "ok", Taint: "E", Loaded: []string{"dummy"}}, Log: []string{
				stamp + "module: not signed with expected PKCS#7 message",
				"[    4.516205] dummy: module verification failed: signature and/or required key missing - tainting kernel",
			}},
			{Index: 5, Outcome: &Outcome{Result: "ok", Taint: "E", Loaded: []string{"dummy"}}},
		}}},
		{"failed", Serial{Started: true, Error: "open /boot-test/plan.json: no such file or directory"}},
		{"panic", Serial{Panic: "[    3.920229] Kernel panic - not syncing: No working init found.  Try passing init= option to kernel. " +
			"See Linux Documentation/admin-guide/init.rst for guidance."}},
	} {
		t.Run(test.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", test.file+".serial.log"))
			if err != nil {
				t.Fatal(err)
			}
			for _, end := range []string{"\n", "\r\n"} {
				got, err := ParseSerial(strings.ReplaceAll(string(data), "\n", end))
				if err != nil || !reflect.DeepEqual(*got, test.want) {
					t.Errorf("line end %q: got %+v, %v, want %+v", end, got, err, test.want)
				}
			}
		})
	}
}

func TestParseSerialErrors(t *testing.T) {
	const (
		begin  = `boot-test: {"kind":"begin","attempt":1}` + "\n"
		result = `boot-test: {"kind":"result","attempt":1,"outcome":{"result":"ok"}}` + "\n"
		done   = `boot-test: {"kind":"done"}` + "\n"
	)
	for _, test := range []struct{ name, log, want string }{
		{"two begins", begin + begin, "serial log, line 2: got the begin of attempt 1 before the end of attempt 1"},
		{"no begin", "x\n" + result, "serial log, line 2: got the end of attempt 1, which has not begun"},
		{"end twice", begin + result + result, "serial log, line 3: got the end of attempt 1, which has not begun"},
		{"last in the middle", begin + done, "serial log, line 2: got the last record before the end of attempt 1"},
		{"behind the last", done + begin, `serial log, line 2: got the record "begin" after the last one`},
		{"damaged", begin + `boot-test: {"kind":`, `serial log, line 2: reading a record: unexpected end of JSON input, in "boot-test: {\"kind\":"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseSerial(test.log)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

func FuzzParseSerial(f *testing.F) {
	files, err := filepath.Glob("testdata/*.serial.log")
	if err != nil || len(files) == 0 {
		f.Fatal("no serial logs in testdata", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, log string) {
		s, err := ParseSerial(log)
		if err != nil {
			return
		}
		for i, a := range s.Attempts {
			if a.Outcome == nil && i < len(s.Attempts)-1 {
				t.Fatalf("attempt %d has no end, but another one follows", i)
			}
		}
	})
}
