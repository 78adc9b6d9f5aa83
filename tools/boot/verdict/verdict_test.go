// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"reflect"
	"strings"
	"testing"

	"rules_modhash/tools/boot/plan"
	"rules_modhash/tools/boot/record"
)

func TestBoot(t *testing.T) {
	const line = "[    4.5] dummy: module verification failed: tainting kernel"
	ok := record.Outcome{Result: "ok", Loaded: []string{"dummy"}}
	for _, test := range []struct {
		name   string
		expect plan.Expectation
		// got is nil for an attempt that did not end.
		got  *record.Outcome
		log  []string
		want []Difference
	}{
		{"all agrees", plan.Expectation{
			Result: "ok", Taint: "E", Loaded: []string{"b", "a"}, Log: []string{"verification failed"}, NoLog: []string{"panic"},
			Exists: []string{"/sys/x"},
		}, &record.Outcome{Result: "ok", Taint: "E", Loaded: []string{"a", "b"}}, []string{line}, nil},
		{"refused as wanted", plan.Expectation{Result: "EKEYREJECTED"}, &record.Outcome{Result: "EKEYREJECTED"}, nil, nil},
		{"loads though it must not", plan.Expectation{Result: "EKEYREJECTED"}, &ok, nil, []Difference{{"result", "EKEYREJECTED", "ok"}}},
		{"refused for another reason", plan.Expectation{Result: "EKEYREJECTED"}, &record.Outcome{Result: "EPERM"}, nil,
			[]Difference{{"result", "EKEYREJECTED", "EPERM"}}},
		{"taint not wanted", plan.Expectation{Result: "ok"}, &record.Outcome{Result: "ok", Taint: "EO"}, nil,
			[]Difference{{"taint", "none", "EO"}}},
		{"taint missing", plan.Expectation{Result: "ok", Taint: "E"}, &ok, nil, []Difference{{"taint", "E", "none"}}},
		{"not all modules", plan.Expectation{Result: "ok", Loaded: []string{"dummy", "x"}}, &ok, nil,
			[]Difference{{"modules loaded", "dummy x", "dummy"}}},
		{"no module", plan.Expectation{Result: "ok", Loaded: []string{}}, &ok, nil, []Difference{{"modules loaded", "", "dummy"}}},
		{"file missing", plan.Expectation{Result: "ok", Exists: []string{"/sys/x"}},
			&record.Outcome{Result: "ok", Missing: []string{"/sys/x"}}, nil, []Difference{{"exists", "/sys/x", "not there"}}},
		{"log line missing", plan.Expectation{Result: "ok", Log: []string{"verification", "unknown"}}, &ok, []string{line},
			[]Difference{{"log", `a line with "unknown"`, "no such line"}}},
		{"log line not wanted", plan.Expectation{Result: "ok", NoLog: []string{"verification"}}, &ok, []string{line},
			[]Difference{{"log", `no line with "verification"`, "such a line"}}},
		{"stays loaded", plan.Expectation{Result: "ok"}, &record.Outcome{Result: "ok", Unload: "EBUSY"}, nil,
			[]Difference{{"unloading", "ok, as more attempts follow in this boot (else: fresh)", "EBUSY"}}},
		{"no end", plan.Expectation{Result: "ok", Taint: "E"}, nil, []string{line}, []Difference{{"result", "ok, taint E", "no result"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			boot := plan.Boot{First: 4, Attempts: []plan.Attempt{{Name: "a", Expect: test.expect}, {Name: "last"}}}
			serial := &record.Serial{Attempts: []record.Attempt{{Index: 4, Outcome: test.got, Log: test.log}}}
			got := Boot(boot, serial)
			if len(got) != 2 || !reflect.DeepEqual(got[0].Differences, test.want) {
				t.Fatalf("got %+v, want the differences %+v and a second verdict", got, test.want)
			}
			if got[0].Passed() != (test.want == nil) || !got[0].Made {
				t.Errorf("Passed is %v, Made is %v", got[0].Passed(), got[0].Made)
			}
			if got[1].Passed() || got[1].Made || got[1].Got != "no result" {
				t.Errorf("an attempt that was not made: got %+v, want no result", got[1])
			}
		})
	}
}

func TestLastAttemptMayStay(t *testing.T) {
	boot := plan.Boot{Attempts: []plan.Attempt{{Expect: plan.Expectation{Result: "ok"}}}}
	serial := &record.Serial{Attempts: []record.Attempt{{Outcome: &record.Outcome{Result: "ok", Unload: "ENOSYS"}}}}
	if got := Boot(boot, serial); !got[0].Passed() {
		t.Errorf("got %+v, want it to pass: no attempt follows", got[0])
	}
}

func TestWrites(t *testing.T) {
	const enforce = "/sys/kernel/security/ipe/enforce"
	for _, test := range []struct {
		name    string
		results []string
		want    []Difference
	}{
		{"as expected", []string{"ok", "EACCES"}, nil},
		{"both differ", []string{"EPERM", "ok"}, []Difference{{"writing to " + enforce, "ok", "EPERM"}, {"writing to " + enforce, "EACCES", "ok"}}},
		{"not made", nil, []Difference{{"writing to " + enforce, "ok", "no result"}, {"writing to " + enforce, "EACCES", "no result"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			boot := plan.Boot{Attempts: []plan.Attempt{{
				Write:  []plan.FileWrite{{Path: enforce, Text: "0"}, {Path: enforce, Text: "1", Result: "EACCES"}},
				Expect: plan.Expectation{Result: "ok"},
			}}}
			serial := &record.Serial{Attempts: []record.Attempt{{Outcome: &record.Outcome{Result: "ok", Writes: test.results}}}}
			if got := Boot(boot, serial); !reflect.DeepEqual(got[0].Differences, test.want) {
				t.Errorf("got %+v, want the differences %+v", got[0], test.want)
			}
		})
	}
}

func TestDetails(t *testing.T) {
	v := Verdict{
		Attempt:     plan.Attempt{Name: "flipped byte", Module: "/m.ko", Cmdline: "lockdown=integrity"},
		Differences: []Difference{{"result", "EPERM", "ok"}},
	}
	const head = `attempt "flipped byte": finit_module /m.ko, booted with lockdown=integrity
  result: expected EPERM, got ok
`
	for _, test := range []struct {
		name string
		log  []string
		want string
	}{
		{"with log", []string{"one", "two"}, head + "  the kernel's log during this attempt:\n    one\n    two\n"},
		{"without", nil, head + "  the kernel logged nothing during this attempt\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v.Log = test.log
			var out strings.Builder
			Details(&out, v)
			if out.String() != test.want {
				t.Errorf("got\n%swant\n%s", &out, test.want)
			}
		})
	}
}
