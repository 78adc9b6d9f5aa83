// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"path/filepath"
	"testing"
	"time"

	"rules_modhash/tests/e2e/workspace"
)

var bothTrees = []string{"//:declared", "//:directory", allGroups}

// treeActions is what both trees take.
var treeActions = map[string]int{
	"Folder": 1, "ModhashLeaf": leaves, "ModhashProof": 2, "ModhashSeal": 2, "ModhashTree": 2,
}

// TestHTTPCache builds on one machine, and then on another, where everything comes from the cache: directory,
// user, output base and clock differ.
func TestHTTPCache(t *testing.T) {
	requireWorld(t)
	startCache(t)
	flags := []string{"--config=remote-cache", "--remote_cache=http://" + cacheAddress}
	here := newMachine(t, flags...)
	here.Env = []string{"USER=here", "TZ=UTC"}
	first := here.MustBuild(append(bothTrees, "--spawn_strategy=sandboxed")...)
	expect(t, "first machine", first, "linux-sandbox", treeActions)

	there := newMachine(t, flags...)
	there.Env = []string{"USER=there", "TZ=Asia/Tokyo", "HOSTNAME=elsewhere"}
	there.setClockAhead()
	events := filepath.Join(t.TempDir(), "events.json")
	second := there.MustBuild(append(bothTrees, "--build_event_json_file="+events)...)
	expect(t, "second machine", second, "remote cache hit", treeActions)
	expectSame(t, "second machine", second, first)
	if ahead := time.Until(started(t, events)); ahead < clockAhead-time.Hour {
		t.Errorf("second machine: its clock is ahead by %v, want %v: this shows nothing", ahead, clockAhead)
	}

	there.clean()
	expect(t, "another configuration", there.MustBuild("//:declared", allGroups, "--compilation_mode=opt"),
		"remote cache hit", map[string]int{"ModhashLeaf": leaves, "ModhashProof": 1, "ModhashSeal": 1, "ModhashTree": 1})
	there.MustBazel("test", "//:declared_verify", "//:directory_verify")
}

// TestRemoteExecution builds on a service, and then on another machine, where everything comes from its
// cache.
func TestRemoteExecution(t *testing.T) {
	requireWorld(t)
	startWorker(t)
	flags := []string{"--config=remote", "--remote_executor=grpc://" + workerAddress}
	here := newMachine(t, flags...)
	here.Env = []string{"USER=here"}
	first := here.MustBuild(append(bothTrees, "--remote_download_minimal")...)
	expect(t, "first machine", first, "remote", treeActions)

	there := newMachine(t, flags...)
	there.Env = []string{"USER=there"}
	second := there.MustBuild(bothTrees...)
	expect(t, "second machine", second, "remote cache hit", treeActions)
	expectSame(t, "second machine", second, first)

	there.MustBazel("test", "//:declared_verify", "//:directory_verify")
}

// distribution is the example with all modules of Debian's kernel, in an external workspace.
const distribution = workspace.External + `
-- MODULE.bazel --
debian = use_extension("@rules_modhash//toolchains/debian:extensions.bzl", "debian")
debian.modules(name = "debian_modules")
use_repo(debian, "debian_modules")
-- BUILD.bazel --
load("@rules_modhash//rules:defs.bzl", "module_tree", "module_verify_test")

module_tree(
    name = "tree",
    modules = ["@debian_modules//:kernel_modules"],
)

module_verify_test(
    name = "verify",
    tree = ":tree",
)
`

// TestDistribution hashes, seals and verifies all modules of Debian's kernel on a service: what is sealed never comes
// to the client. Another machine does the same from the cache.
func TestDistribution(t *testing.T) {
	requireWorld(t)
	startWorker(t)
	flags := []string{"--config=remote", "--remote_executor=grpc://" + workerAddress}
	build := []string{"//:tree", "--output_groups=tree,root_object,sealed", "--remote_download_minimal"}
	here := newMachineWith(t, distribution, flags...)
	first := here.MustBuild(build...)
	shards := count(first)["ModhashLeaf remote"]
	if shards < 60 {
		t.Errorf("first machine: got %d actions that hash, want one for each 64 of 4,000 modules", shards)
	}
	actions := map[string]int{"ModhashLeaf": shards, "ModhashSeal": 1, "ModhashTree": 1}
	expect(t, "first machine", first, "remote", actions)
	here.MustBazel("test", "//:verify", "--remote_download_minimal")

	there := newMachineWith(t, distribution, flags...)
	second := there.MustBuild(build...)
	expect(t, "second machine", second, "remote cache hit", actions)
	expectSame(t, "second machine", second, first)
}
