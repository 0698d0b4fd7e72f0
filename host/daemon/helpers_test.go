package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/daemon/shim"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

// The test's binary is also the shim, and the node that is killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "daemon-shim" {
		os.Exit(shim.Main(os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == "node-to-kill" {
		os.Exit(nodeToKill(os.Args[2]))
	}
	if err := testkit.AtOnce(4); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := leftShims(); len(left) > 0 {
			fmt.Fprintln(os.Stderr, "processes are left behind:", left)
			code = 1
		}
		os.Exit(code)
	}))
}

// leftShims finds processes of this test's that are shims and still there.
func leftShims() (out []string) {
	self, _ := os.Readlink("/proc/self/exe")
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		exe, _ := os.Readlink("/proc/" + e.Name() + "/exe")
		cmdline, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if exe == self && strings.Contains(string(cmdline), "\x00daemon-shim\x00") {
			out = append(out, e.Name())
		}
	}
	return out
}

func contextOf(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// shimCommand runs this binary again. The race detector lets every process of its
// wait for a second at its end, unless it is configured not to.
func shimCommand() []string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{"/usr/bin/env", "GORACE=atexit_sleep_ms=0", self, "daemon-shim"}
}

// patience is how long a test waits for what must come.
const patience = testkit.Patience

// loop stands for the node's loop: it takes events, or does not.
type loop struct {
	mu      sync.Mutex
	changed chan struct{} // closed when something came
	events  []mesh.Event
	full    bool                     // TryPublish fails, Publish waits
	waits   func(ev mesh.Event) bool // Publish of this event waits, if set
	err     error                    // what Publish returns, if set
	refused int
	// recorded is told of each line, if set.
	recorded func(mesh.DaemonID, mesh.OutputPlace)
}

var errFull = errors.New("queue is full")

func newLoop() *loop { return &loop{changed: make(chan struct{})} }

func (l *loop) TryPublish(ev mesh.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return errFull
	}
	l.events = append(l.events, ev)
	l.record(ev)
	l.wake()
	return nil
}

// record tells the Manager that a line is on disk, as the records do soon after the loop took it.
func (l *loop) record(ev mesh.Event) {
	if line, ok := ev.(mesh.LogLine); ok && line.Output.Spool != 0 && l.recorded != nil {
		l.recorded(line.Daemon, line.Output)
	}
}

func (l *loop) Publish(ctx context.Context, ev mesh.Event) error {
	for {
		l.mu.Lock()
		if l.err != nil {
			l.refused++
			l.wake()
			err := l.err
			l.mu.Unlock()
			return err
		}
		if !l.full && (l.waits == nil || !l.waits(ev)) {
			l.events = append(l.events, ev)
			l.record(ev)
			l.wake()
			l.mu.Unlock()
			return nil
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake is called with the lock held.
func (l *loop) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// set changes how the loop behaves.
func (l *loop) set(change func(l *loop)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
	l.wake()
}

// until waits until ok holds of what came.
func (l *loop) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		good, changed := ok(), l.changed
		l.mu.Unlock()
		if good {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%s did not come; there came %q", what, l.all())
		}
	}
}

// wait waits for an event with this text, as describe returns it, or for one that
// begins with it if it ends in an asterisk.
func (l *loop) wait(t *testing.T, text string) {
	t.Helper()
	l.until(t, text, func() bool {
		for _, ev := range l.events {
			if matches(describe(ev), text) {
				return true
			}
		}
		return false
	})
}

func matches(got, want string) bool {
	if begin, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(got, begin)
	}
	return got == want
}

// all describes every event so far.
func (l *loop) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, ev := range l.events {
		out = append(out, describe(ev))
	}
	return out
}

// life describes starts and ends only.
func (l *loop) life() []string {
	var out []string
	for _, text := range l.all() {
		if !strings.Contains(text, "> ") {
			out = append(out, text)
		}
	}
	return out
}

// lines returns what a daemon printed, without the node's own lines.
func (l *loop) lines(id mesh.DaemonID) []mesh.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []mesh.LogLine
	for _, ev := range l.events {
		if line, ok := ev.(mesh.LogLine); ok && line.Daemon == id && !strings.HasPrefix(line.Message, "meshos: ") {
			out = append(out, line)
		}
	}
	return out
}

// describe returns "7 started", "7 crashed: exit status 2", "7 3> a line on stdout".
func describe(ev mesh.Event) string {
	switch ev := ev.(type) {
	case mesh.DaemonStarted:
		return fmt.Sprintf("%d started", ev.Daemon.ID)
	case mesh.DaemonExited:
		return fmt.Sprintf("%d exited", ev.Daemon.ID)
	case mesh.DaemonCrashed:
		return fmt.Sprintf("%d crashed: %s", ev.Daemon.ID, ev.Reason)
	case mesh.DaemonRejected:
		return fmt.Sprintf("%d rejected: %s", ev.Daemon.ID, ev.Reason)
	case mesh.DaemonReplaced:
		return fmt.Sprintf("%d replaced", ev.Daemon.ID)
	case mesh.DaemonHealthChanged:
		return fmt.Sprintf("%d %s: %s", ev.Daemon.ID, [...]string{"unknown", "healthy", "degraded", "unhealthy"}[ev.Health.Status], ev.Health.Reason)
	case mesh.DaemonSaturationChanged:
		return fmt.Sprintf("%d saturation %v", ev.Daemon.ID, ev.Saturation)
	case mesh.LogLine:
		return fmt.Sprintf("%d %d> %s", ev.Daemon, ev.Level, ev.Message)
	}
	return fmt.Sprintf("%#v", ev)
}

// node is a manager with real processes.
type node struct {
	*daemon.Manager
	*loop
	t *testing.T
}

// startNode returns a manager with these daemons configured, in a folder of its own.
func startNode(t *testing.T, specs ...daemon.Spec) *node {
	t.Helper()
	return startNodeIn(t, t.TempDir(), specs...)
}

// startNodeIn returns a manager that adopted the daemons of a folder. Its daemons end
// with the test.
func startNodeIn(t *testing.T, dir string, specs ...daemon.Spec) *node {
	t.Helper()
	return startNodeOn(t, newLoop(), dir, specs...)
}

// startNodeOn is startNodeIn with a loop that behaves in some way from the beginning.
func startNodeOn(t *testing.T, l *loop, dir string, specs ...daemon.Spec) *node {
	t.Helper()
	return startNodeWith(t, l, dir, 200*time.Millisecond, specs...)
}

// startNodeWith is startNodeOn with the time that all daemons together have to end.
func startNodeWith(t *testing.T, l *loop, dir string, closeGrace time.Duration, specs ...daemon.Spec) *node {
	t.Helper()
	spawner := process.NewSpawner()
	n := &node{loop: l, t: t}
	n.Manager = daemon.New(daemon.Options{
		Dir: dir, Shim: shimCommand(), Spawner: spawner, Events: n.loop, CloseGrace: closeGrace, StopGrace: 200 * time.Millisecond,
	})
	n.set(func(l *loop) {
		if l.recorded == nil {
			l.recorded = n.Recorded
		}
	})
	n.Configure(specs)
	if err := n.Adopt(t.Context()); err != nil {
		t.Error(err)
	}
	t.Cleanup(func() {
		n.set(func(l *loop) { l.full, l.err, l.waits = false, nil, nil })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := n.StopAll(ctx); err != nil {
			t.Error(err)
		}
		n.Close()
		spawner.Close()
	})
	return n
}

// start starts a daemon that must start.
func (n *node) start(id mesh.DaemonID) {
	n.t.Helper()
	if err := n.Start(n.t.Context(), ref(id)); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) stop(id mesh.DaemonID, grace time.Duration) {
	n.t.Helper()
	if err := n.Stop(n.t.Context(), ref(id), "the test says so", grace); err != nil {
		n.t.Fatal(err)
	}
}

func ref(id mesh.DaemonID) mesh.DaemonRef { return mesh.DaemonRef{ID: id, Name: "test"} }

// sh is a daemon that runs a script.
func sh(id mesh.DaemonID, script string) daemon.Spec {
	return daemon.Spec{Daemon: ref(id), Command: []string{"sh", "-c", script}}
}

// gone reports whether the process with this id is dead; a zombie is.
func gone(pid string) bool {
	n, _ := strconv.Atoi(pid)
	return testkit.Ended(n)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
