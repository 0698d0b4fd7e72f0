package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/document"
	"github.com/meshos/meshos/internal/snapshottest"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// tooLarge is how many chains of large make more than one answer.
const tooLarge = 10_000

// large is a node with so many chains and 2,000 peers, which is draining.
func large(tick uint64, chains int) *snapshot.Snapshot {
	s := at(tick)
	s.TakenAt = time.Unix(1_700_000_000, 0)
	var replicas []snapshot.Replica
	var held []mesh.ChainID
	holders := []mesh.NodeID{1}
	for n := range mesh.NodeID(60) {
		holders = append(holders, 1<<50+n)
	}
	for id := 1; id <= chains; id++ {
		replicas = append(replicas, snapshot.Replica{Chain: mesh.ChainID(id), Holders: holders, Leader: 1, Desired: 3, HasDesired: true})
		held = append(held, mesh.ChainID(id))
	}
	var peers []snapshot.Peer
	for id := 2; id <= 2000; id++ {
		peers = append(peers, snapshot.Peer{Node: mesh.NodeID(id), Name: fmt.Sprintf("rack%d-%d", id%10, id), RTT: time.Duration(id), HasRTT: true})
	}
	s.Replicas, s.Peers = snapshot.ReplicasOf(replicas...), snapshot.PeersOf(peers...)
	s.Maintenance = snapshot.Maintenance{Draining: true, Waiting: snapshot.Waiting{Chains: snapshottest.Chains(held...), Daemons: []mesh.DaemonRef{{ID: 3, Name: "x"}}}}
	for range 500 {
		s.Logs = append(s.Logs, mesh.LogRecord{Seq: uint64(len(s.Logs) + 1), Message: strings.Repeat("x", 2000)})
	}
	return s
}

func same(t *testing.T, got *meshosv1.Snapshot, want *snapshot.Snapshot) {
	t.Helper()
	if whole := wire.SnapshotToProto(want); !proto.Equal(got, whole) {
		t.Errorf("tick %d: %d chains, %d peers, %d lines, %d waited for; want %d, %d, %d, %d", got.GetTick(),
			len(got.GetReplicas()), len(got.GetPeers()), len(got.GetLogs()), len(got.GetLocalMaintenance().GetWaitingFor()),
			len(whole.GetReplicas()), len(whole.GetPeers()), len(whole.GetLogs()), len(whole.GetLocalMaintenance().GetWaitingFor()))
	}
}

// Of a node that is too large for one answer a client gets everything, in pages of one
// snapshot, though newer ones are published meanwhile.
func TestASnapshotThatDoesNotFitComesInPagesOfOne(t *testing.T) {
	n := newNode()
	shown := large(1, tooLarge)
	n.Show(shown)
	client := serve(t, n)
	first, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if first.GetNextPage() == "" || first.GetCounts().GetReplicas() != tooLarge || first.GetCounts().GetWaitingFor() != tooLarge+1 {
		t.Fatalf("the first page has %d bytes, next %q, counts %v", proto.Size(first), first.GetNextPage(), first.GetCounts())
	}
	n.Show(large(2, 10))
	second, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{Page: first.GetNextPage()})
	again, err2 := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{Page: first.GetNextPage()})
	if err != nil || err2 != nil || !proto.Equal(second, again) || second.GetTick() != 1 {
		t.Fatalf("a page that is asked for twice: %v, %v, tick %d", err, err2, second.GetTick())
	}
	n.Show(shown)
	whole, err := document.Get(within(t), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, whole, shown)
}

func TestPagesAreHeldOfTheSnapshotsThatWereBegunLast(t *testing.T) {
	n := newNode()
	n.Show(large(1, tooLarge))
	client := serve(t, n)
	var tokens []string
	for range 9 {
		first, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, first.GetNextPage())
	}
	for i, token := range append(tokens, "made up") {
		_, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{Page: token})
		if held := i > 0 && i < 9; held != (err == nil) || !held && (status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "ask for the first page again")) {
			t.Errorf("page of snapshot %d: %v", i, err)
		}
	}
}

// A client that did not ask for deltas is told how to watch a node that is too large for it.
func TestAWatcherOfALargeNodeIsToldToAskForDeltas(t *testing.T) {
	n := newNode()
	n.Show(large(1, tooLarge))
	watch, err := serve(t, n).WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = watch.Recv(); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "deltas") {
		t.Errorf("error %v", err)
	}
}

func deltas(t *testing.T, client hostv1.HostClient, f *hostv1.SnapshotFilter) grpc.ServerStreamingClient[meshosv1.Snapshot] {
	t.Helper()
	watch, err := client.WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{Deltas: true, Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

// take reads until the document is complete and shows a tick.
func take(t *testing.T, d *document.Document, watch grpc.ServerStreamingClient[meshosv1.Snapshot], tick uint64) (messages, bytes int) {
	t.Helper()
	for {
		m, err := watch.Recv()
		if err != nil {
			t.Fatal(err)
		}
		messages, bytes = messages+1, bytes+proto.Size(m)
		if d.Take(m) && d.Snapshot().GetTick() >= tick {
			return messages, bytes
		}
	}
}

// A watcher of a large node gets it once, and then what changes.
func TestDeltasFollowWhatChanged(t *testing.T) {
	n := newNode()
	shown := large(1, tooLarge)
	n.Show(shown)
	watch, doc := deltas(t, serve(t, n), nil), &document.Document{}
	if messages, _ := take(t, doc, watch, 1); messages < 2 {
		t.Errorf("the whole came in %d messages", messages)
	}
	same(t, doc.Snapshot(), shown)
	next := *shown
	next.Tick = 2
	e := edit(next.Replicas)
	e.Put(500, snapshot.Replica{Chain: 500, Holders: []mesh.NodeID{9}})
	e.Delete(501)
	next.Replicas = e.Publish()
	n.Show(&next)
	if messages, bytes := take(t, doc, watch, 2); messages != 1 || bytes > 1000 {
		t.Errorf("two chains changed, and %d messages of %d bytes came", messages, bytes)
	}
	same(t, doc.Snapshot(), &next)
}

// One that does not read for a while gets the difference to the newest snapshot, and no queue.
func TestASlowWatcherGetsTheDifferenceToTheNewest(t *testing.T) {
	n := newNode()
	shown := large(1, 100)
	n.Show(shown)
	watch, doc := deltas(t, serve(t, n), nil), &document.Document{}
	take(t, doc, watch, 1)
	const rounds = 100
	next := *shown
	for round := range rounds {
		s := next
		s.Tick++
		peers := edit(next.Peers)
		for id := mesh.NodeID(2); id <= 2000; id++ {
			peers.Put(id, snapshot.Peer{Node: id, RTT: time.Duration(round + 1), HasRTT: true})
		}
		s.Peers = peers.Publish()
		next = s
		n.Show(&s)
	}
	messages, _ := take(t, doc, watch, rounds+1)
	if messages > rounds/2 {
		t.Errorf("%d messages for %d snapshots", messages, rounds)
	}
	same(t, doc.Snapshot(), &next)
}

func TestAFilterLeavesEntriesOut(t *testing.T) {
	n := newNode()
	shown := large(1, 100)
	n.Show(shown)
	client := serve(t, n)
	got, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{Filter: &hostv1.SnapshotFilter{
		Sections: []hostv1.SnapshotFilter_Section{hostv1.SnapshotFilter_SECTION_PEERS, hostv1.SnapshotFilter_SECTION_REPLICAS},
		Chains:   &hostv1.IdRange{From: 10, To: 12}, PeerNames: "rack3-",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetReplicas()) != 3 || len(got.GetPeers()) != 200 || len(got.GetLogs()) != 0 || got.GetCounts().GetPeers() != 1999 || got.GetTick() != 1 {
		t.Errorf("%d chains, %d peers, %d lines, counts %v", len(got.GetReplicas()), len(got.GetPeers()), len(got.GetLogs()), got.GetCounts())
	}
	for name, f := range map[string]*hostv1.SnapshotFilter{
		"filter.sections[0]": {Sections: []hostv1.SnapshotFilter_Section{77}},
		"filter.chains":      {Chains: &hostv1.IdRange{From: 5, To: 4}},
	} {
		if _, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{Filter: f}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A peer that gets another name leaves what is watched.
	watch, doc := deltas(t, client, &hostv1.SnapshotFilter{Sections: []hostv1.SnapshotFilter_Section{hostv1.SnapshotFilter_SECTION_PEERS}, PeerNames: "rack3-"}), &document.Document{}
	take(t, doc, watch, 1)
	next := *shown
	next.Tick = 2
	next.Peers = snapshottest.Changed(shown.Peers, 13, func(p *snapshot.Peer) { p.Name = "other" })
	n.Show(&next)
	take(t, doc, watch, 2)
	if s := doc.Snapshot(); len(s.GetPeers()) != 199 || len(s.GetReplicas()) != 0 {
		t.Errorf("%d peers, %d chains", len(s.GetPeers()), len(s.GetReplicas()))
	}
}
