package shard

import (
	"fmt"
	"os"
	"testing"
	"time"

	"rules_modhash/tools/kernel/kbuild"
	"rules_modhash/tools/kernel/kmake"
)

func TestReal(t *testing.T) {
	source, config := os.Getenv("SOURCE"), os.Getenv("CONFIG")
	if source == "" {
		t.Skip()
	}
	start := time.Now()
	f, _ := os.Open(source)
	target := kmake.Target{Machine: "x86_64", Compiler: "gcc"}
	tree, err := ReadTree(f, "x86", target.Uses)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("read", time.Since(start), len(tree.files))
	c, _ := os.Open(config)
	conf, err := kbuild.ReadConfig(config, c)
	if err != nil {
		t.Fatal(err)
	}
	part, err := NewPartition([]string{".", "arch", "block", "crypto", "drivers", "drivers/base", "drivers/net", "fs", "fs/ext4", "kernel", "lib", "mm", "net", "security"})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(tree, kbuild.Target{SrcArch: "x86", Config: conf}, part)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("plan", time.Since(start), "prepare", len(plan.Prepare), "link", len(plan.Link), "finish", len(plan.Finish), "names", len(plan.Names))
	for _, n := range part.Names() {
		fmt.Println(n, len(plan.Directories[n]), len(plan.Shards[n]))
	}
}
