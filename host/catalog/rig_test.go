package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// testPlugin is the built internal/testplugin.
var testPlugin string

func TestMain(m *testing.M) {
	if dir := os.Getenv("CATALOG_TEST_HOST"); dir != "" {
		hostUntilKilled(dir)
		return
	}
	if err := testkit.AtOnce(4); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "cat")
	if err != nil {
		panic(err)
	}
	testPlugin = filepath.Join(dir, "testplugin")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", testPlugin, "./internal/testplugin").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s\n", out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// rig is a running catalog, and what it called back with.
type rig struct {
	*catalog.Catalog
	t       testing.TB
	runDir  string
	changed chan struct{}
	cancel  context.CancelFunc
	ended   chan error

	mu       sync.Mutex
	logs     []string // "level plugin: message"
	failures []string // "plugin: reason"
	serving  []string
	observed []string
}

// entry is a configured test plugin in one of its modes. What it is asked takes as long as it
// takes, unless that is what is tested: a slow machine is not a plugin that does not answer.
func entry(name, mode string, change ...func(*catalog.Entry)) catalog.Entry {
	e := catalog.Entry{Name: name, Path: testPlugin, Enabled: true, Env: []string{"MODE=" + mode}, Timeout: testkit.Patience}
	for _, c := range change {
		c(&e)
	}
	return e
}

// start runs a catalog until the test ends.
func start(t testing.TB, entries []catalog.Entry, change ...func(*catalog.Options)) *rig {
	t.Helper()
	r := &rig{t: t, changed: make(chan struct{}, 1), ended: make(chan error, 1), runDir: shortDir(t)}
	o := catalog.Options{
		Entries: entries, DataDir: t.TempDir(), RunDir: r.runDir, Node: 1, Cluster: "test",
		Peers: []*pluginv1.Peer{{Id: 2, Address: "127.0.0.1"}, {Id: 3}, {Id: 4}},
		Rand:  func() float64 { return 0.1 },

		StartTimeout: testkit.Patience, // for a slow machine
		FilePoll:     20 * time.Millisecond,
		Log: func(level mesh.LogLevel, plugin, message string) {
			r.note(&r.logs, fmt.Sprintf("%d %s: %s", level, plugin, message))
		},
		Failure: func(plugin, reason string) { r.note(&r.failures, plugin+": "+reason) },
		Observe: func(plugin, method string, _ time.Duration, err error) {
			r.note(&r.observed, fmt.Sprintf("%s %s %v", plugin, method, err))
		},
	}
	for _, c := range change {
		c(&o)
	}
	c, err := catalog.New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.Catalog = c
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	serving := func(plugin string, kinds []string) { r.note(&r.serving, plugin+" "+strings.Join(kinds, ",")) }
	go func() { r.ended <- c.Run(ctx, serving) }()
	t.Cleanup(func() { r.stop() })
	return r
}

// stop ends the catalog, and checks that it ends in time and leaves nothing behind.
func (r *rig) stop() error {
	r.t.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		r.ended <- err
		if left, _ := filepath.Glob(r.runDir + "/*"); len(left) > 0 {
			r.t.Errorf("socket directories were left: %v", left)
		}
		return err
	case <-time.After(testkit.Patience): // 3 s are promised, on a machine that does nothing else
		r.t.Fatal("the catalog did not end within 30 s")
		return nil
	}
}

func (r *rig) note(list *[]string, line string) {
	r.mu.Lock()
	*list = append(*list, line)
	r.mu.Unlock()
	r.wake()
}

// lines returns a copy of one of the lists.
func (r *rig) lines(list *[]string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(*list)
}

func (r *rig) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// until waits for a condition. It is checked whenever the catalog called back, and every
// 10 ms.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.NewTimer(testkit.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-r.changed:
		case <-tick.C:
		case <-deadline.C:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("did not happen: %s\nviews: %+v\nlog:\n%s\nfailures:\n%s", what, r.Views(),
				strings.Join(r.logs[max(0, len(r.logs)-40):], "\n"), strings.Join(r.failures, "\n"))
		}
	}
}

// pause lets time pass, for what must not happen.
func (r *rig) pause(d time.Duration) {
	r.t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// view returns the view of one plugin.
func (r *rig) view(name string) snapshot.Plugin {
	views := r.Views()
	i := slices.IndexFunc(views, func(v snapshot.Plugin) bool { return v.Name == name })
	if i < 0 {
		r.t.Fatalf("no view of %s", name)
	}
	return views[i]
}

// waitFor waits until a plugin has a status, and returns its view.
func (r *rig) waitFor(name string, status snapshot.PluginStatus) snapshot.Plugin {
	r.t.Helper()
	r.until(fmt.Sprintf("%s has status %d", name, status), func() bool { return r.view(name).Status == status })
	return r.view(name)
}

// sum returns the checksum of what a plugin executes, which is known a little after its start.
func (r *rig) sum(name string) string {
	r.t.Helper()
	r.until("the checksum of "+name+" is known", func() bool { return r.view(name).SHA256 != "" })
	return r.view(name).SHA256
}

// contains returns whether a line of one of the lists contains a text, for until.
func (r *rig) contains(list *[]string, part string) func() bool {
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(*list, func(line string) bool { return strings.Contains(line, part) })
	}
}

// locality returns the adapter of a plugin.
func (r *rig) locality(name string) *catalog.LocalityProbe {
	r.t.Helper()
	p, err := r.LocalityProbe(name)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// shortDir returns a directory whose path is short enough for sockets.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if pid <= 0 {
		t.Fatal("no pid")
	}
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

// freeze stops a process and waits until all of its threads have stopped.
func freeze(t testing.TB, pid int) {
	t.Helper()
	kill(t, pid, syscall.SIGSTOP)
	for deadline := time.Now().Add(testkit.Patience); time.Now().Before(deadline); {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if len(tasks) > 0 && !slices.ContainsFunc(tasks, func(path string) bool {
			stat, err := os.ReadFile(path)
			return err == nil && !strings.Contains(string(stat), ") T ")
		}) {
			return
		}
	}
	t.Fatalf("process %d does not stop", pid)
}
