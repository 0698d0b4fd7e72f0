package daemon_test

import (
	"slices"
	"testing"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

// places returns how far each of the daemon's own lines reaches.
func places(l *loop) (out []mesh.OutputPlace) {
	for _, line := range l.lines(7) {
		out = append(out, line.Output)
	}
	return out
}

// What the loop took and the records have not stored is published again by the next node.
func TestLinesThatWereTakenAndNotRecordedArePublishedAgain(t *testing.T) {
	t.Parallel()
	dir, script := t.TempDir(), "seq 1 6; echo ready; exec sleep 1000"
	first := newLoop()
	first.recorded = func(mesh.DaemonID, mesh.OutputPlace) {} // not heard of by the Manager
	n := startNodeOn(t, first, dir, sh(7, script))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.Recorded(7, places(first)[1]) // up to 2
	n.Recorded(7, places(first)[0]) // late
	n.Recorded(7, mesh.OutputPlace{Spool: places(first)[0].Spool + 1, Segment: 9})
	n.Close()

	second := startNodeIn(t, dir, sh(7, script))
	second.wait(t, "7 3> ready")
	if got, want := printed(second.all()), []string{"3", "4", "5", "6", "ready"}; !slices.Equal(got, want) {
		t.Errorf("the second node published %q, want %q", got, want)
	}
}

// A node that was killed between writing a record and noting that does not publish its line again.
func TestWhatTheRecordsHaveIsNotPublishedAgain(t *testing.T) {
	t.Parallel()
	dir, script := t.TempDir(), "seq 1 6; echo ready; exec sleep 1000"
	first := newLoop()
	first.recorded = func(mesh.DaemonID, mesh.OutputPlace) {}
	n := startNodeOn(t, first, dir, sh(7, script))
	n.start(7)
	n.wait(t, "7 3> ready")
	n.Close()

	l := newLoop()
	m := daemon.New(daemon.Options{
		Dir: dir, Shim: shimCommand(), Events: l,
		Recorded: func() map[mesh.DaemonID]mesh.OutputPlace {
			return map[mesh.DaemonID]mesh.OutputPlace{7: places(first)[4]}
		},
	})
	defer m.Close()
	m.Configure([]daemon.Spec{sh(7, script)})
	if err := m.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.wait(t, "7 3> ready")
	if got, want := printed(l.all()), []string{"6", "ready"}; !slices.Equal(got, want) {
		t.Errorf("the second node published %q, want %q", got, want)
	}
	if err := m.StopAll(t.Context()); err != nil {
		t.Error(err)
	}
}

// Lines of a daemon that has ended are published although it is not started again.
func TestTheRestOfADaemonThatDoesNotRunIsPublished(t *testing.T) {
	t.Parallel()
	dir, script := t.TempDir(), "seq 1 6; exit 0"
	first := newLoop()
	first.recorded = func(mesh.DaemonID, mesh.OutputPlace) {}
	n := startNodeOn(t, first, dir, sh(7, script))
	n.start(7)
	n.wait(t, "7 exited")
	testkit.Until(t, "its record to be removed", func() bool { return !exists(dir + "/7/state.json") })
	n.Close()

	second := startNodeIn(t, dir, sh(7, script))
	second.wait(t, "7 3> 6")
	if got := printed(second.all()); len(got) != 6 {
		t.Errorf("the second node published %q", got)
	}
}
