package document_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/internal/document"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// taken returns the time so many seconds after the first snapshot.
func taken(seconds int64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: 1_800_000_000 + seconds}
}

func seconds(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }

func daemonView(id uint64, age int64) *meshosv1.DaemonView {
	return &meshosv1.DaemonView{Daemon: &meshosv1.DaemonRef{Id: id}, Age: seconds(age)}
}

// whole is a snapshot in one message.
func whole(tick uint64, at int64, daemons ...*meshosv1.DaemonView) *meshosv1.Snapshot {
	return &meshosv1.Snapshot{Node: 1, Tick: tick, TakenAt: taken(at), Stats: &meshosv1.Stats{}, Daemons: daemons}
}

// delta is what changed by a time.
func delta(tick uint64, at int64, change func(*meshosv1.SnapshotDelta)) *meshosv1.Snapshot {
	d := &meshosv1.SnapshotDelta{Scalars: &meshosv1.Snapshot{Node: 1, Tick: tick, TakenAt: taken(at), Stats: &meshosv1.Stats{}}}
	if change != nil {
		change(d)
	}
	return &meshosv1.Snapshot{Delta: d}
}

// take fails the test unless a message completes the document, or not, as wanted.
func take(t *testing.T, d *document.Document, m *meshosv1.Snapshot, complete bool) {
	t.Helper()
	if got := d.Take(m); got != complete {
		t.Fatalf("complete: %v, want %v, after %v", got, complete, m)
	}
}

func daemonIDs(s *meshosv1.Snapshot) (ids []uint64) {
	for _, d := range s.GetDaemons() {
		ids = append(ids, d.GetDaemon().GetId())
	}
	return ids
}

func wantIDs(t *testing.T, s *meshosv1.Snapshot, want ...uint64) {
	t.Helper()
	got := daemonIDs(s)
	if len(got) != len(want) {
		t.Fatalf("daemons %d, want %d", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("daemons %d, want %d", got, want)
		}
	}
}

func TestPagesAreOneDocument(t *testing.T) {
	var d document.Document
	if d.Snapshot() != nil {
		t.Error("there is a snapshot before anything came")
	}
	first := whole(7, 0, daemonView(1, 10), daemonView(2, 20))
	first.NextPage = "2"
	first.LocalMaintenance = &meshosv1.MaintenanceView{WaitingFor: []string{"daemon 1 (web)", "chain 9"}}
	take(t, &d, first, false)
	take(t, &d, &meshosv1.Snapshot{
		TakenAt: taken(0), Daemons: []*meshosv1.DaemonView{daemonView(3, 30)},
		LocalMaintenance: &meshosv1.MaintenanceView{WaitingFor: []string{"chain 10"}},
	}, true)
	got := d.Snapshot()
	wantIDs(t, got, 1, 2, 3)
	if got.GetTick() != 7 || got.GetNextPage() != "" {
		t.Errorf("tick %d, next page %q", got.GetTick(), got.GetNextPage())
	}
	want := []string{"chain 9", "chain 10", "daemon 1 (web)"} // by kind, and then by number
	waiting := got.GetLocalMaintenance().GetWaitingFor()
	if !proto.Equal(&meshosv1.MaintenanceView{WaitingFor: waiting}, &meshosv1.MaintenanceView{WaitingFor: want}) {
		t.Errorf("waits for %q, want %q", waiting, want)
	}
}

// A stream that broke off between two pages begins anew with a first page.
func TestAFirstPageBeginsAnew(t *testing.T) {
	var d document.Document
	broken := whole(1, 0, daemonView(1, 0))
	broken.NextPage = "2"
	take(t, &d, broken, false)
	take(t, &d, whole(2, 1, daemonView(5, 0)), true)
	wantIDs(t, d.Snapshot(), 5)
}

func TestADeltaWithoutAWholeSnapshotIsNoDocument(t *testing.T) {
	var d document.Document
	take(t, &d, delta(2, 1, nil), false)
	if s := d.Snapshot(); s != nil {
		t.Errorf("the document is %v", s)
	}
}

func TestADeltaRemovesReplacesAndAdds(t *testing.T) {
	var d document.Document
	take(t, &d, whole(1, 0, daemonView(1, 0), daemonView(3, 0), daemonView(5, 0)), true)
	more := delta(2, 1, func(c *meshosv1.SnapshotDelta) {
		c.RemovedDaemons, c.More = []uint64{1, 4}, true // it never had 4
	})
	take(t, &d, more, false)
	take(t, &d, &meshosv1.Snapshot{Delta: &meshosv1.SnapshotDelta{
		Daemons: []*meshosv1.DaemonView{daemonView(2, 0), {Daemon: &meshosv1.DaemonRef{Id: 3, Name: "renamed"}}},
	}}, true)
	got := d.Snapshot()
	wantIDs(t, got, 2, 3, 5)
	if got.GetTick() != 2 || got.GetDaemons()[1].GetDaemon().GetName() != "renamed" {
		t.Errorf("after the delta: %v", got)
	}
	if age := got.GetDaemons()[1].GetAge(); age == nil || age.AsDuration() != 0 {
		t.Errorf("one that never ran has the age %v, want 0", age)
	}
}

// What a delta does not mention has not changed, but grows older, and what remains of times gets
// less.
func TestWhatDoesNotChangeGrowsOlder(t *testing.T) {
	var d document.Document
	daemon := daemonView(1, 10)
	daemon.RestartIn, daemon.NextStart = seconds(30), seconds(3)
	m := whole(1, 0, daemon)
	m.AvoidList = []*meshosv1.AvoidView{{Peer: 2, Ttl: seconds(4)}, {Peer: 3, Ttl: seconds(60)}}
	m.Peers = []*meshosv1.PeerView{{Peer: 2, HealthSince: seconds(1)}, {Peer: 3}}
	before := proto.CloneOf(m)
	take(t, &d, m, true)
	early := d.Snapshot()
	take(t, &d, delta(2, 5, func(c *meshosv1.SnapshotDelta) { c.Peers = []*meshosv1.PeerView{{Peer: 3, HealthSince: seconds(0)}} }), true)
	got := d.Snapshot()
	one := got.GetDaemons()[0]
	if one.GetAge().AsDuration() != 15*time.Second || one.GetRestartIn().AsDuration() != 25*time.Second || one.NextStart != nil {
		t.Errorf("5 s later the daemon is %v", one)
	}
	if left := got.GetAvoidList(); left[0].GetTtl().AsDuration() != 0 || left[1].GetTtl().AsDuration() != 55*time.Second {
		t.Errorf("5 s later the avoid list is %v", left)
	}
	if peers := got.GetPeers(); peers[0].GetHealthSince().AsDuration() != 6*time.Second || peers[1].GetHealthSince().AsDuration() != 0 {
		t.Errorf("5 s later the peers are %v", peers)
	}
	if !proto.Equal(m, before) || early.GetDaemons()[0].GetAge().AsDuration() != 10*time.Second {
		t.Error("a message that was handed out before has changed")
	}
}
