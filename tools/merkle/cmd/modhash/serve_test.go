// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protodelim"

	workerpb "rules_modhash/proto/worker"

	"rules_modhash/tools/cli"
)

// makeModules writes n modules to dir/mods.
func makeModules(t *testing.T, dir string, n int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "mods"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		file := filepath.Join(dir, "mods", fmt.Sprintf("m%02d.ko", i))
		if err := mkModule([]string{"x86_64", strings.Repeat("x", i+1), file}); err != nil {
			t.Fatal(err)
		}
	}
}

// answers serves requests, and returns the responses by request_id.
func answers(t *testing.T, requests ...*workerpb.WorkRequest) map[int32]*workerpb.WorkResponse {
	t.Helper()
	var in, out, stderr bytes.Buffer
	for _, r := range requests {
		if _, err := protodelim.MarshalTo(&in, r); err != nil {
			t.Fatal(err)
		}
	}
	if code := serve(t.Context(), &in, &out, &stderr); code != cli.Done || stderr.Len() > 0 {
		t.Fatalf("exit code %d, stderr %q, want %d and none", code, &stderr, cli.Done)
	}
	responses, stream := map[int32]*workerpb.WorkResponse{}, bufio.NewReader(&out)
	for {
		response := &workerpb.WorkResponse{}
		err := protodelim.UnmarshalFrom(stream, response)
		if err == io.EOF {
			return responses
		}
		if err != nil {
			t.Fatal(err)
		}
		responses[response.RequestId] = response
	}
}

// sandboxed is a request whose paths are below dir.
func sandboxed(id int32, dir string, arguments ...string) *workerpb.WorkRequest {
	return &workerpb.WorkRequest{RequestId: id, SandboxDir: dir, Arguments: arguments}
}

// TestServe makes a tree by requests in separate directories, all leaves at once, and checks that its
// bytes are those of the command line.
func TestServe(t *testing.T) {
	const shards, size = 20, 3
	t.Chdir(t.TempDir())
	makeModules(t, ".", shards*size)
	makeModules(t, "sandbox", shards*size)
	tree := []string{"tree", "--quiet", "--out=tree.pb", "--root-object=root.o"}
	if code := cli.Run(t.Context(), newRoot("", io.Discard, os.Stderr), append(tree, "--proofs=proofs", "--seal=sealed", "mods")); code != cli.Done {
		t.Fatal("tree of the command line failed")
	}

	var leaves []*workerpb.WorkRequest
	for shard := range shards {
		first := shard * size
		out := fmt.Sprintf("--out=leaves%d.pb", shard)
		request := sandboxed(int32(shard+1), "sandbox", "leaf", fmt.Sprintf("--position=%d", first), out)
		for i := range size {
			name := fmt.Sprintf("m%02d.ko", first+i)
			request.Arguments = append(request.Arguments, fmt.Sprintf(`--module={"path":"mods/%s","install_path":"%s","label":"//:m"}`, name, name))
		}
		leaves = append(leaves, request)
		tree = append(tree, fmt.Sprintf("--leaves=leaves%d.pb", shard))
	}
	for _, requests := range [][]*workerpb.WorkRequest{
		leaves,
		{sandboxed(1, "sandbox", tree...)},
		{
			sandboxed(1, "sandbox", "proof", "--tree=tree.pb", "--out=proofs"),
			sandboxed(2, "sandbox", "seal", "--tree=tree.pb", "--out=sealed", "mods"),
		},
	} {
		for id, response := range answers(t, requests...) {
			if response.ExitCode != cli.Done || response.Output != "" {
				t.Errorf("request %d: got {%v}, want success", id, response)
			}
		}
	}
	for _, line := range [][]string{
		{"attest", "--tree=tree.pb", "--sealed=sealed", "--source=root.o", "--out=statement.json", "--spdx=spdx.json"},
		{"report", "--out=report.html", "tree.pb"},
	} {
		if code := cli.Run(t.Context(), newRoot("", io.Discard, os.Stderr), line); code != cli.Done {
			t.Fatalf("%s of the command line failed", line[0])
		}
		if response := answers(t, sandboxed(1, "sandbox", line...))[1]; response.ExitCode != cli.Done || response.Output != "" {
			t.Errorf("%s: got {%v}, want success", line[0], response)
		}
	}
	for _, name := range []string{"tree.pb", "root.o", "proofs", "sealed", "statement.json", "spdx.json", "report.html"} {
		if got, want := contents(t, filepath.Join("sandbox", name)), contents(t, name); got != want {
			t.Errorf("%s differs from the command line's", name)
		}
	}
}

// contents is all that a file or directory holds.
func contents(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %q\n", strings.TrimPrefix(path, root), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// TestServeErrors checks that a request that fails does so alone, leaves nothing behind, and states what
// a user would read on the command line.
func TestServeErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	makeModules(t, "box/1", 1)
	if err := os.WriteFile("box/1/bad.ko", []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := answers(t,
		sandboxed(1, "box/1", "leaf", "--out=bad.pb", `--module={"path":"bad.ko","install_path":"bad.ko","label":"//:bad"}`),
		sandboxed(2, "box/1", "leaf", "--out=good.pb", "mods"),
		sandboxed(3, "box/1", "leaf", "--frobnicate"),
		sandboxed(4, "box/1"),
		sandboxed(5, "box/1", "root", "good.pb", "@nothing", "--out=../x"),
		sandboxed(6, "box/2", "tree", "--out=tree.pb", "mods"),
	)
	for id, want := range map[int32]string{
		1: "modhash leaf: //:bad (bad.ko): is not an ELF file: ",
		2: "",
		3: "modhash leaf: unknown flag: --frobnicate\n",
		4: "modhash: no subcommand given, see modhash --help\n",
		5: "modhash root: unknown flag: --out\n",
		6: "modhash tree: stat mods: no such file or directory\n",
	} {
		code := int32(cli.Error)
		if want == "" {
			code = cli.Done
		}
		if got[id].GetExitCode() != code || !strings.HasPrefix(got[id].GetOutput(), want) {
			t.Errorf("request %d: got {%v}, want exit code %d and %q", id, got[id], code, want)
		}
	}
	entries, err := os.ReadDir("box/1")
	if err != nil || len(entries) != 3 {
		t.Errorf("files are %v, %v, want bad.ko, good.pb and mods", entries, err)
	}
}

// TestServeStops checks the response to input that is not a request.
func TestServeStops(t *testing.T) {
	var out, stderr bytes.Buffer
	code := serve(t.Context(), strings.NewReader("\x02\xff\xff"), &out, &stderr)
	want := "modhash --persistent_worker: got a message of 2 bytes that is not a request: "
	if code != cli.Error || !strings.HasPrefix(stderr.String(), want) || out.Len() > 0 {
		t.Errorf("exit code %d, stderr %q, %d bytes out, want %d, %q, none", code, &stderr, out.Len(), cli.Error, want)
	}
}
