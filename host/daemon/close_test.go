package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

const stubborn = "trap '' TERM; echo ready; while :; do sleep 0.01; done"

func TestStopAllEndsEverything(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "echo ready; exec sleep 1000"), sh(8, stubborn))
	n.start(7)
	n.start(8)
	n.wait(t, "7 3> ready")
	n.wait(t, "8 3> ready")
	if err := n.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := n.life()
	slices.Sort(got)
	if want := []string{"7 exited", "7 started", "8 exited", "8 started"}; !slices.Equal(got, want) {
		t.Errorf("there came %q, want %q", got, want)
	}
	n.wait(t, "8 3> meshos: stopping: the node is shutting down")
	if err := n.Start(t.Context(), ref(7)); !errors.Is(err, daemon.ErrClosed) {
		t.Errorf("a start after the end gave %v", err)
	}
	n.stop(7, 0)
	if err := n.StopAll(t.Context()); err != nil {
		t.Errorf("a second one gave %v", err)
	}
	n.Close()
	n.Close()
}

// If the loop has ended before, StopAll does not wait for it to take the daemons' ends.
func TestStopAllWaitsForProcessesWhenTheLoopHasEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNodeWith(t, newLoop(), dir, patience, sh(7, "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.set(func(l *loop) { l.err = fmt.Errorf("the loop has ended: %w", daemon.ErrEventsClosed) })
	if err := n.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.Close()
	n.set(func(l *loop) { l.err = nil })

	next := startNodeOn(t, n.loop, dir)
	next.wait(t, "7 exited") // not killed, and published by the next node
	next.wait(t, "7 3> bye")
}

func TestStopAllKillsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	spawner, l := process.NewSpawner(), newLoop()
	defer spawner.Close()
	var log bytes.Buffer
	m := daemon.New(daemon.Options{
		Dir: t.TempDir(), Shim: shimCommand(), Spawner: spawner, Events: l, CloseGrace: time.Hour,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	defer m.Close()
	ids := []mesh.DaemonID{7, 8, 9, 10, 11} // some of them may be gone before StopAll looks who is left
	var specs []daemon.Spec
	for _, id := range ids {
		specs = append(specs, sh(id, stubborn))
	}
	m.Configure(specs)
	for _, id := range ids {
		if err := m.Start(t.Context(), ref(id)); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range ids {
		l.wait(t, fmt.Sprintf("%d 3> ready", id))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var late *daemon.UnfinishedError // what was killed has a tenth of the time to end: too little on a busy machine
	if err := m.StopAll(ctx); err != nil && !errors.As(err, &late) {
		t.Error(err)
	}
	testkit.Until(t, "the daemon to be gone", func() bool { return len(m.Running()) == 0 })
	for _, id := range ids {
		if got := log.String(); !strings.Contains(got, "daemons are killed") || !strings.Contains(got, ref(id).String()) {
			t.Errorf("the log does not say that %d was killed: %s", id, got)
		}
	}
}

func TestStopAllDoesNotWaitForALoopThatTakesNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(l *loop){
		"wedged": func(l *loop) { l.full = true },
		"ended":  func(l *loop) { l.err = errors.New("loop has ended") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spawner, l := process.NewSpawner(), newLoop()
			defer spawner.Close()
			m := daemon.New(daemon.Options{Dir: t.TempDir(), Shim: shimCommand(), Spawner: spawner, Events: l})
			defer m.Close()
			m.Configure([]daemon.Spec{sh(7, "exec sleep 1000")})
			l.set(change)
			if err := m.Start(t.Context(), ref(7)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			result := make(chan error, 1)
			go func() { result <- m.StopAll(ctx) }()
			testkit.Until(t, "the daemon to be gone", func() bool { return len(m.Running()) == 0 })
			cancel() // or it would give the loop all the time that there is
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestStartsAndEndsArePublishedUntilTheyAreTaken(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "exit 3"))
	n.set(func(l *loop) { l.err = errors.New("not now") })
	n.start(7)
	n.until(t, "a second try", func() bool { return n.refused >= 2 })
	n.set(func(l *loop) { l.err = nil })
	n.wait(t, "7 crashed: exit status 3")
	if got, want := n.life(), []string{"7 started", "7 crashed: exit status 3"}; !slices.Equal(got, want) {
		t.Errorf("there came %q, want %q", got, want)
	}
}

func TestNextStartIsPublishedAfterTheLastEnd(t *testing.T) {
	t.Parallel()
	for range 5 {
		n := startNode(t, sh(7, "exit 3"))
		n.set(func(l *loop) {
			l.waits = func(ev mesh.Event) bool { _, crash := ev.(mesh.DaemonCrashed); return crash }
		})
		n.start(7)
		testkit.Until(t, "its end", func() bool { return len(n.Running()) == 0 })
		n.start(7) // while its end still waits for room
		testkit.Until(t, "the second end", func() bool { return len(n.Running()) == 0 || testkit.Ended(n.Running()[0].PID) })
		n.set(func(l *loop) { l.waits = nil })
		n.until(t, "the second crash", func() bool { return crashes(n.loop) == 2 })
		want := []string{"7 started", "7 crashed: exit status 3", "7 started", "7 crashed: exit status 3"}
		if got := n.life(); !slices.Equal(got, want) {
			t.Errorf("there came %q, want %q", got, want)
		}
	}
}

// orderOf starts daemons, stops all, and returns in which order they were asked to end. Each
// writes its id to a file before it ends; ends come to the loop in any order.
func orderOf(t *testing.T, grace time.Duration, end string, before map[mesh.DaemonID][]mesh.DaemonID) string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	var specs []daemon.Spec
	ids := slices.Sorted(maps.Keys(before))
	for _, id := range ids {
		s := sh(id, fmt.Sprintf("trap 'echo %d >>%s; %s' TERM; echo ready; while :; do sleep 0.01; done", id, log, end))
		s.Before = before[id]
		specs = append(specs, s)
	}
	n := startNodeWith(t, newLoop(), t.TempDir(), grace, specs...)
	for _, id := range ids {
		n.start(id)
		n.wait(t, fmt.Sprintf("%d 3> ready", id))
	}
	if err := n.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(log)
	return strings.Join(strings.Fields(string(text)), " ")
}

func TestStopAllAsksThoseFirstThatWereStartedAfterOthers(t *testing.T) {
	t.Parallel()
	got := orderOf(t, patience, "exit 0", map[mesh.DaemonID][]mesh.DaemonID{7: nil, 8: {7}, 9: {8}})
	if want := "9 8 7"; got != want {
		t.Errorf("they were asked in the order %s, want %s", got, want)
	}
}

// Those that do not end hold up those before them for their share of the time only.
func TestStopAllAsksAllInTheTimeThatThereIs(t *testing.T) {
	t.Parallel()
	got := orderOf(t, 3*time.Second, ":", map[mesh.DaemonID][]mesh.DaemonID{7: nil, 9: {7}})
	if want := "9 7"; got != want {
		t.Errorf("they were asked in the order %s, want %s", got, want)
	}
}
