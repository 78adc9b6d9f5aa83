// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"testing"

	"github.com/spf13/cobra"

	"rules_modhash/tools/merkle/modules"
	"rules_modhash/tools/merkle/trailer"
)

func TestInputFlags(t *testing.T) {
	tests := []struct {
		name    string
		args    []string
		want    []modules.Source
		wantErr string
	}{
		{
			name: "arguments",
			args: []string{"--existing-signature=keep", "a", "b"},
			want: []modules.Source{{Path: "a", Existing: trailer.Keep}, {Path: "b", Existing: trailer.Keep}},
		},
		{
			name: "default",
			args: []string{"a"},
			want: []modules.Source{{Path: "a", Existing: trailer.Strip}},
		},
		{
			name: "messages",
			args: []string{
				`--module={"path": "a", "install_path": "x/a.ko", "label": "//:a", "existing_signature": "error"}`,
				`--module={"path": "b", "strip_prefix": "lib", "label": "//:b"}`,
				"--existing-signature=keep",
			},
			want: []modules.Source{
				{Path: "a", InstallPath: "x/a.ko", Label: "//:a", Existing: trailer.Refuse},
				{Path: "b", StripPrefix: "lib", Label: "//:b", Existing: trailer.Keep},
			},
		},
		{
			name: "install paths",
			args: []string{"--input=a", "--install-path=x/a.ko", "--input=b", "--install-path="},
			want: []modules.Source{{Path: "a", InstallPath: "x/a.ko"}, {Path: "b"}},
		},
		{
			name: "one policy for all",
			args: []string{"--input=a", "--input=b", "--existing-signature=error"},
			want: []modules.Source{{Path: "a", Existing: trailer.Refuse}, {Path: "b", Existing: trailer.Refuse}},
		},
		{
			name: "allowed to be empty",
			args: []string{"--allow-empty"},
		},
		{
			name:    "empty",
			wantErr: "no modules given: name files or directories (an empty directory for none)",
		},
		{
			name:    "too few install paths",
			args:    []string{"--input=a", "--input=b", "--install-path=a.ko"},
			wantErr: "--install-path is given 1 times, want as often as --input, 2 times, or not at all",
		},
		{
			name:    "message without a path",
			args:    []string{"--module={}"},
			wantErr: `--module: got "{}", want one with a path`,
		},
		{
			name:    "unknown policy",
			args:    []string{"--existing-signature=drop", "a"},
			wantErr: `--existing-signature: unknown policy "drop" for existing signatures, want strip, keep or error`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var flags inputFlags
			cmd := &cobra.Command{}
			flags.register(cmd)
			flags.registerExisting(cmd)
			flags.registerAllowEmpty(cmd)
			if err := cmd.ParseFlags(test.args); err != nil {
				t.Fatal(err)
			}
			got, err := flags.required(cmd.Flags().Args())
			if message := errorText(err); message != test.wantErr {
				t.Fatalf("got error %q, want %q", message, test.wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
