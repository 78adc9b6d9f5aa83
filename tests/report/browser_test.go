// SPDX-License-Identifier: Apache-2.0

// Package report drives the page of `modhash report` in Chromium, as a reader would: real
// clicks, keys and file drops on the page of Debian's 4,216 modules.
package report

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/ulikunitz/xz"

	"rules_modhash/tools/merkle/root"
	"rules_modhash/tools/merkle/trailer"
	"rules_modhash/tools/merkle/tree"
)

// browser is where Debian's package chromium puts it; ./bazelw's world has it.
const browser = "/usr/bin/chromium"

// maxPage is the promised size of the page in bytes.
const maxPage = 2 << 20

// patience is how long one step may take on a slow machine.
const patience = time.Minute

// height of the window in pixels: all of a proof can be seen.
const height = 1300

// module that is searched, chosen and dropped.
const ext4 = "kernel/fs/ext4/ext4.ko"

// ready reports that the page has computed the root.
const ready = `document.documentElement?.dataset.ready === "true"`

// session is one page that is open.
type session struct {
	*testing.T
	ctx      context.Context
	problems *problems
}

// problems are what the browser complained about, and what it asked the network for.
type problems struct {
	mu    sync.Mutex
	lines []string
}

func (p *problems) add(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

// take returns what there is, and forgets it.
func (p *problems) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := p.lines
	p.lines = nil
	return lines
}

func (p *problems) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.add("exception: %s", e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		p.add("console: %s", e.Type)
	case *log.EventEntryAdded:
		p.add("log: %s %s", e.Entry.Text, e.Entry.URL)
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, "file:///") && !strings.HasPrefix(url, "data:") {
			p.add("request: %s", url)
		}
	}
}

// newBrowser starts Chromium with nothing of the user's, and ends it with the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	if _, err := os.Stat(browser); err != nil {
		t.Fatalf("%v: these tests need Debian's package chromium, which the world of ./bazelw has", err)
	}
	// Bazel removes it: the browser still writes there for a while after it was asked to end.
	home, err := os.MkdirTemp(os.Getenv("TEST_TMPDIR"), "browser")
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(home, "profile")),
		chromedp.Env("HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home),
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-dev-shm-usage", true), chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(patience))
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("starting %s: %v", browser, err)
	}
	return ctx
}

// open opens the page in a new tab, width pixels wide, and waits until it is ready.
func open(t *testing.T, browser context.Context, width int64) *session {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	s := &session{T: t, ctx: ctx, problems: &problems{}}
	chromedp.ListenTarget(ctx, s.problems.listen)
	// The tab lives as long as the context of what is run first: none with a timeout.
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	path, err := filepath.EvalSymlinks(given(t, "REPORT"))
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.do(network.Enable(), log.Enable(), emulation.SetFocusEmulationEnabled(true), page.BringToFront(),
		chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+path))
	s.wait(ready)
	return s
}

// do carries out actions.
func (s *session) do(actions ...chromedp.Action) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		s.Fatalf("%v; problems: %q", err, s.problems.take())
	}
}

// text returns the text of the first element.
func (s *session) text(selector string) string {
	s.Helper()
	var text string
	s.do(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).innerText", selector), &text))
	return text
}

// number returns the value of an expression.
func (s *session) number(expression string) int {
	s.Helper()
	var n int
	s.do(chromedp.Evaluate(expression, &n))
	return n
}

// wait waits until an expression is true. It asks again and again, since what chromedp.Poll
// does in the page is against the page's policy.
func (s *session) wait(expression string) {
	s.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var ok bool
		if s.do(chromedp.Evaluate(expression, &ok)); ok {
			return
		}
	}
	s.Fatalf("never true: %s; problems: %q", expression, s.problems.take())
}

// wantText compares the text of an element.
func (s *session) wantText(selector, want string) {
	s.Helper()
	if got := s.text(selector); got != want {
		s.Errorf("%s is %q, want %q", selector, got, want)
	}
}

// wantQuiet checks that nothing went wrong in the browser, and nothing went to the network.
func (s *session) wantQuiet() {
	s.Helper()
	if lines := s.problems.take(); len(lines) > 0 {
		s.Errorf("the browser tells %q, want nothing", lines)
	}
}

// drop drops files on the page, as a file manager would.
func (s *session) drop(files ...string) {
	s.Helper()
	drag := &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DragEnter, input.DragOver, input.Drop} {
		s.do(input.DispatchDragEvent(kind, 150, 400, drag))
	}
}

// keys presses keys one after another.
func (s *session) keys(keys ...string) {
	s.Helper()
	for _, key := range keys {
		s.do(chromedp.KeyEvent(key))
	}
}

// clickTitle clicks on a folder of the map where its title is: the rest is covered by what
// is in it.
func (s *session) clickTitle(selector string) {
	s.Helper()
	var at []float64
	s.do(chromedp.Evaluate(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({ block: "nearest" });
		const { left, top } = e.getBoundingClientRect();
		return [left + 8, top + 8];
	})()`, selector), &at))
	s.do(chromedp.MouseClickXY(at[0], at[1]))
}

// search types text in place of what is searched.
func (s *session) search(text string) {
	s.Helper()
	s.do(chromedp.Evaluate(`document.getElementById("search").select()`, nil))
	s.keys(kb.Backspace)
	for _, key := range text {
		s.keys(string(key))
	}
}

// focused describes the element that has the focus.
func (s *session) focused() string {
	s.Helper()
	var text string
	s.do(chromedp.Evaluate(`(document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.innerText)`, &text))
	return text
}

// given returns where Bazel has put what an environment variable names. Bazel runs tests in
// the directory of their package; rootpaths are relative to the workspace.
func given(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skip("opens a page that Bazel builds: bazel test //tests/report:report_test")
	}
	return filepath.Join("..", "..", path)
}

// tree returns the tree that the page shows.
func readTree(t *testing.T) *tree.Tree {
	t.Helper()
	found, err := root.Read(given(t, "TREE"), "")
	if err != nil {
		t.Fatal(err)
	}
	return found.Tree
}

// sealed returns the bytes of a sealed module.
func sealed(t *testing.T, installPath string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(given(t, "SEALED"), installPath))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes a file to be dropped.
func file(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bare returns a module without its trailer.
func bare(t *testing.T, b []byte) []byte {
	t.Helper()
	n, err := trailer.Strip.Cut(b, int64(len(b)))
	if err != nil || n == 0 {
		t.Fatalf("cutting the trailer off: %d bytes, %v", n, err)
	}
	return b[:len(b)-n]
}

func compress(t *testing.T, b []byte) []byte {
	t.Helper()
	var out strings.Builder
	w, err := xz.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	_, writeErr := w.Write(b)
	if err := errors.Join(writeErr, w.Close()); err != nil {
		t.Fatal(err)
	}
	return []byte(out.String())
}

// flip returns a copy with a bit flipped.
func flip(b []byte, at int) []byte {
	b = append([]byte{}, b...)
	b[at] ^= 1
	return b
}

func TestPage(t *testing.T) {
	info, err := os.Stat(given(t, "REPORT"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the page has %d bytes", info.Size())
	if info.Size() > maxPage {
		t.Errorf("the page has %d bytes, want at most %d", info.Size(), maxPage)
	}
	browser := newBrowser(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"opens", testOpens}, {"network", testNetwork}, {"mouse", testMouse}, {"keyboard", testKeyboard},
		{"drop", testDrop}, {"choose", testChoose}, {"colours", testColours}, {"narrow", testNarrow}, {"names", testNames},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, browser) })
	}
}

// testOpens checks that the browser computes the root that the tree has.
func testOpens(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	tree := readTree(t)
	s.wantText("#root", tree.Root().Hash.String())
	s.wantText("#root-state", "✓ Computed again in this browser from 4,216 leaves")
	s.wantText("#count", "4,216 modules, 599 MB")
	if got, want := s.text("#facts"), fmt.Sprintf("Levels\n%d\nModules\n4,216\n", tree.Root().Levels); !strings.HasPrefix(got, want) {
		t.Errorf("facts are %q, want them to begin with %q", got, want)
	}
	s.wantQuiet()
	s.shoot("wide")
}

// testNetwork checks that even a script in the page cannot reach a server that is there.
func testNetwork(t *testing.T, browser context.Context) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	if _, err := http.Get(server.URL); err != nil || asked.Load() != 1 {
		t.Fatalf("the server does not answer: %v", err)
	}
	s := open(t, browser, 1440)
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	for name, script := range map[string]string{
		"fetch":  `fetch(%q).then(() => "reached", () => "refused")`,
		"image":  `new Promise((done) => { const i = new Image(); i.onload = () => done("reached"); i.onerror = () => done("refused"); i.src = %q; })`,
		"script": `(() => { const e = document.createElement("script"); try { e.src = %q; } catch { return "refused"; } document.head.append(e); return "reached"; })()`,
		"socket": `(() => { try { new WebSocket(%q.replace("http", "ws")); return "reached"; } catch { return "refused"; } })()`,
		"beacon": `navigator.sendBeacon(%q) ? "asked" : "refused"`,
	} {
		var got string
		s.do(chromedp.Evaluate(fmt.Sprintf(script, server.URL+"/"+name), &got, await))
		if got == "reached" && name != "socket" {
			t.Errorf("%s: %s", name, got)
		}
	}
	time.Sleep(time.Second) // beacons and sockets are asked for later
	if n := asked.Load(); n != 1 {
		t.Errorf("the page asked the server %d times", n-1)
	}
}

// testMouse searches, sorts, chooses a module, looks into folders.
func testMouse(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	tree := readTree(t)
	leaf, ok := tree.Find(ext4)
	if !ok {
		t.Fatalf("the tree has no %s", ext4)
	}
	s.do(chromedp.Click("#search", chromedp.ByQuery))
	s.search("ext4 fs/")
	s.wait(`document.querySelectorAll("#rows tr").length === 1`)
	s.do(chromedp.Click("#rows tr button", chromedp.ByQuery))
	s.wantText("#proof-verdict", "As it is in the tree.")
	if got := s.text("#proof-facts"); !strings.Contains(got, ext4) || !strings.Contains(got, leaf.SHA256.String()) {
		t.Errorf("facts of the proof are %q, want %s and %s in it", got, ext4, leaf.SHA256)
	}
	s.wantProof(tree, leaf.Position, "path")
	s.do(chromedp.Click("details summary", chromedp.ByQuery))
	if got := s.text("#steps"); !strings.Contains(got, leaf.Hash.String()) || !strings.Contains(got, tree.Root().Hash.String()) {
		t.Errorf("the steps are %q, want leaf and root in them", got)
	}

	s.search(leaf.SHA256.String()[:12])
	s.wait(`document.querySelectorAll("#rows tr").length === 1`)
	s.wantText("#rows tr button", ext4)
	s.search("no such thing")
	s.wait(`document.querySelectorAll("#rows tr").length === 0`)
	s.wantText("#count", "0 of 4,216 modules below kernel, 0 B")

	s.search("")
	s.do(chromedp.Click(`[data-sort="size"]`, chromedp.ByQuery))
	s.wait(`document.querySelector("#rows td:nth-child(2)").innerText === Math.max(...` +
		`JSON.parse(document.getElementById("data").textContent).sizes).toLocaleString("en")`)
	if n := s.number(`document.querySelectorAll("#rows tr").length`); n != 200 {
		t.Errorf("%d rows, want 200 at first", n)
	}
	s.do(chromedp.Click("#more", chromedp.ByQuery))
	s.wait(`document.querySelectorAll("#rows tr").length >= 400`)

	s.clickTitle(`#map [aria-label^="kernel/fs:"]`)
	s.wait(`document.querySelector("#crumbs").innerText === "all / kernel / fs"`)
	if got := s.text("#count"); !strings.Contains(got, " below kernel/fs, ") {
		t.Errorf("count is %q, want what is below kernel/fs", got)
	}
	s.clickTitle(`#map [aria-label^="kernel/fs/ext4:"]`)
	s.wait(`document.querySelector("#crumbs").innerText === "all / kernel / fs / ext4" || document.querySelector("#map [aria-label^='kernel/fs/ext4/ext4.ko:']")`)
	s.do(chromedp.Click(`#map [aria-label^="kernel/fs/ext4/ext4.ko:"]`, chromedp.ByQuery))
	s.wantProof(tree, leaf.Position, "path")
	s.do(chromedp.Click(`#crumbs button`, chromedp.ByQuery))
	s.wait(`document.querySelector("#count").innerText.startsWith("4,216 modules")`)
	s.wantQuiet()
}

// wantProof compares what is drawn with the proof that our own library makes.
func (s *session) wantProof(tree *tree.Tree, position uint32, state string) {
	s.Helper()
	proof, err := tree.ProofOf(position)
	if err != nil {
		s.Fatal(err)
	}
	want := []string{}
	for _, h := range proof.Siblings {
		want = append(want, h.String())
	}
	var got []string
	s.do(chromedp.Evaluate(`[...document.querySelectorAll("#drawing .node.beside title")].map((e) => e.textContent)`, &got))
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.Errorf("hashes beside the path are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.wantStates(state, len(want)+1)
}

// wantStates checks that so many nodes of the path are painted in a state, and no others.
func (s *session) wantStates(state string, nodes int) {
	s.Helper()
	all := s.number(`document.querySelectorAll("#drawing .node:not(.beside, .module)").length`)
	painted := s.number(fmt.Sprintf(`document.querySelectorAll("#drawing .node.%s:not(.module)").length`, state))
	if all != nodes || painted != nodes {
		s.Errorf("%d of %d nodes are painted %s, want %d", painted, all, state, nodes)
	}
}

// testKeyboard does the same without a mouse.
func testKeyboard(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	s.keys(kb.Tab)
	if got := s.focused(); got != "Skip to the list of modules" {
		t.Errorf("the first tab leads to %q", got)
	}
	s.keys(kb.Enter)
	if got := s.focused(); got != "search" {
		t.Errorf("the link leads to %q", got)
	}
	s.search("btrfs")
	s.wait(`document.querySelectorAll("#rows tr").length === 1`)
	s.keys(kb.ArrowDown)
	if got := s.focused(); got != "kernel/fs/btrfs/btrfs.ko" {
		t.Errorf("the arrow leads to %q", got)
	}
	s.keys(kb.Enter)
	s.wait(`document.querySelector("#proof-facts")?.innerText.includes("kernel/fs/btrfs/btrfs.ko")`)
	if n := s.number(`document.querySelectorAll("#rows [aria-current=true]").length`); n != 1 {
		t.Errorf("%d rows are current, want 1", n)
	}
	s.do(chromedp.Focus("#theme", chromedp.ByQuery))
	s.keys(kb.Tab, kb.Tab) // the folder above, then the map
	if got := s.focused(); !strings.HasPrefix(got, "kernel/drivers: ") {
		t.Errorf("two tabs lead to %q, want the largest folder", got)
	}
	s.keys(kb.ArrowRight)
	if got := s.focused(); strings.HasPrefix(got, "kernel/drivers: ") || !strings.HasPrefix(got, "kernel/") {
		t.Errorf("an arrow leads to %q, want another folder", got)
	}
	s.keys(kb.ArrowLeft)
	s.do(chromedp.Focus(`#map [aria-label^="kernel/drivers:"]`, chromedp.ByQuery))
	s.keys(kb.Enter)
	s.wait(`document.querySelector("#crumbs").innerText === "all / kernel / drivers"`)
	if got := s.focused(); !strings.HasPrefix(got, "kernel/drivers/") {
		t.Errorf("in the folder the focus is on %q", got)
	}
	s.keys(kb.Backspace)
	s.wait(`document.querySelector("#crumbs").innerText === "all / kernel"`)
	s.wantQuiet()
}

// testDrop drops good and bad modules.
func testDrop(t *testing.T, browser context.Context) {
	tree := readTree(t)
	leaf, _ := tree.Find(ext4)
	good := sealed(t, ext4)
	levels := int(tree.Root().Levels)
	s := open(t, browser, 1440)
	for i, c := range []struct {
		name, file string
		content    []byte
		state      string
		text       string
		painted    string
	}{
		{"sealed", "ext4.ko", good, "ok", "Belongs to this root, by its own proof: " + ext4, "ok"},
		{"tampered", "ext4.ko", flip(good, len(good)/2), "bad",
			fmt.Sprintf("Does not belong: module and proof lead to another root. Its proof is for position %s, where this tree has %s.",
				thousands(leaf.Position), ext4), "bad"},
		{"bare", "ext4.ko", bare(t, good), "ok", "Carries no proof, but its contents belong to this root: " + ext4, "ok"},
		{"bare and tampered", "ext4.ko", flip(bare(t, good), 5000), "bad", "Does not belong: its contents are not those of " + ext4 + ".", "bad"},
		{"other name", "copy.ko", good, "warn", "Belongs to this root, by its own proof, but as " + ext4 + ", and the file is called copy.ko", "ok"},
		{"proof of another", "ext4.ko", append(append([]byte{}, bare(t, good)...), trailerOf(t, sealed(t, "kernel/fs/jbd2/jbd2.ko"))...), "bad",
			"Does not belong: its contents are those of " + ext4 + ", but its proof is that of another tree.", ""},
		{"compressed", "ext4.ko.xz", compress(t, good[:4096]), "refused",
			"Not verified: it is compressed with xz, which the browser cannot undo. Decompress it first: xz -dk ext4.ko.xz", ""},
		{"malformed", "ext4.ko", flip(good, len(good)-32), "refused", "Not verified: malformed trailer: sig_len is ", ""},
		{"stranger", "stranger.ko", []byte("\x7fELF and no more"), "bad", "Does not belong: no module of this tree has its contents or its name.", ""},
		{"empty", "empty.ko", nil, "refused", "Not verified: it is empty", ""},
	} {
		s.drop(file(t, c.file, c.content))
		s.wait(fmt.Sprintf(`document.querySelectorAll("#results li:not(.busy)").length === %d`, i+1))
		first := s.text("#results li:first-child")
		if !strings.Contains(first, c.text) || !strings.Contains(first, c.file) {
			t.Errorf("%s: result is %q, want %q", c.name, first, c.text)
		}
		var class string
		s.do(chromedp.Evaluate(`document.querySelector("#results li").className`, &class))
		if class != c.state {
			t.Errorf("%s: state is %s, want %s", c.name, class, c.state)
		}
		if c.painted != "" {
			s.wantStates(c.painted, levels+1)
		}
		if c.name == "sealed" {
			s.wantProof(tree, leaf.Position, "ok")
			s.shoot("verified")
		}
		if c.name == "tampered" {
			s.shoot("tampered")
		}
	}
	s.do(chromedp.Click(`#results li:last-child button`, chromedp.ByQuery))
	s.wantText("#proof-verdict", "Belongs to this root, by its own proof: "+ext4)
	s.wantQuiet()

	s.drop(file(t, "ext4.ko", good), file(t, "jbd2.ko", sealed(t, "kernel/fs/jbd2/jbd2.ko")))
	s.wait(`document.querySelectorAll("#results li.ok").length === 4`)
}

// trailerOf returns what is appended to a sealed module.
func trailerOf(t *testing.T, b []byte) []byte {
	t.Helper()
	return b[len(bare(t, b)):]
}

// thousands writes a position as the page does.
func thousands(n uint32) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// testChoose gives files by the button.
func testChoose(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	s.do(chromedp.SetUploadFiles("#file", []string{file(t, "ext4.ko", sealed(t, ext4))}, chromedp.ByQuery))
	s.wait(`document.querySelectorAll("#results li.ok").length === 1`)
	s.wantQuiet()
}

// testColours checks that the page follows the system, and its button goes before that.
func testColours(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	background := func() string {
		var colour string
		s.do(chromedp.Evaluate(`getComputedStyle(document.body).backgroundColor`, &colour))
		return colour
	}
	light := background()
	s.do(chromedp.Click("#theme", chromedp.ByQuery))
	dark := background()
	if light == dark {
		t.Errorf("the button changes nothing: %s", light)
	}
	s.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}),
		chromedp.Reload())
	s.wait(ready)
	if got := background(); got != dark {
		t.Errorf("in a dark system the background is %s, want %s", got, dark)
	}
	s.drop(file(t, "ext4.ko", sealed(t, ext4)))
	s.wait(`document.querySelectorAll("#results li.ok").length === 1`)
	s.shoot("dark")
	s.wantQuiet()
}

// testNarrow checks that a phone shows all of it without scrolling sideways.
func testNarrow(t *testing.T, browser context.Context) {
	s := open(t, browser, 360)
	s.drop(file(t, "ext4.ko", sealed(t, ext4)))
	s.wait(`document.querySelectorAll("#results li.ok").length === 1`)
	if n := s.number(`document.documentElement.scrollWidth`); n > 360 {
		t.Errorf("the page is %d pixels wide, want 360", n)
	}
	s.wantQuiet()
	s.shoot("narrow")
}

// testNames checks that screen readers get a name for each control.
func testNames(t *testing.T, browser context.Context) {
	s := open(t, browser, 1440)
	// Not by cdproto's types: they reject values that a newer browser has.
	var tree struct {
		Nodes []struct {
			Ignored bool `json:"ignored"`
			Role    struct {
				Value string `json:"value"`
			} `json:"role"`
			Name struct {
				Value string `json:"value"`
			} `json:"name"`
			Element int `json:"backendDOMNodeId"`
		} `json:"nodes"`
	}
	s.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, "Accessibility.getFullAXTree", nil, &tree)
	}))
	controls := 0
	for _, n := range tree.Nodes {
		switch n.Role.Value {
		case "button", "link", "searchbox", "textbox", "img", "region", "group", "navigation", "list":
			if controls++; !n.Ignored && n.Name.Value == "" {
				t.Errorf("%s without a name: node %d", n.Role.Value, n.Element)
			}
		}
	}
	if controls < 200 {
		t.Errorf("%d controls, want the rows among them", controls)
	}
}

// shoot keeps a picture among the test's outputs, for docs/howto/report.md.
func (s *session) shoot(name string) {
	s.Helper()
	dir := os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR")
	if dir == "" {
		return
	}
	s.do(chromedp.Sleep(time.Second)) // the path fades in
	for suffix, format := range map[string]page.CaptureScreenshotFormat{
		".png": page.CaptureScreenshotFormatPng, ".webp": page.CaptureScreenshotFormatWebp,
	} {
		s.do(chromedp.ActionFunc(func(ctx context.Context) error {
			b, err := page.CaptureScreenshot().WithFormat(format).WithQuality(70).Do(ctx)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name+suffix), b, 0o644)
		}))
	}
}
