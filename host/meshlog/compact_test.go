package meshlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// grow orders up to a height, with what holds at the end: node 1 is cordoned.
func (h *host) grow(to uint64) {
	h.t.Helper()
	for n := 0; h.height() < to || n%2 == 0; n++ {
		ev := []mesh.AdminEvent{mesh.Uncordon{Node: 1}, mesh.Cordon{Node: 1}}[n%2]
		if got := h.order(ev); got != "unverified" {
			h.t.Fatalf("order %d: %s", n, got)
		}
	}
}

// checkpoint orders the checkpoint of the newest height at which there may be one.
func (h *host) checkpoint() uint64 {
	h.t.Helper()
	mark := h.View().GetMark()
	if got := h.order(mesh.Checkpoint{Height: mark.GetHeight(), State: [32]byte(mark.GetAdminState())}); got != "unverified" {
		h.t.Fatalf("the checkpoint at height %d: %s", mark.GetHeight(), got)
	}
	return mark.GetHeight()
}

// keeping returns a mesh of three nodes that keep nothing of what is before a checkpoint.
func keeping(t *testing.T, n *meshtest.Network) []*host {
	t.Helper()
	hosts := several(t, n, 3)
	for _, h := range hosts {
		h.stop()
		h.age = time.Nanosecond
		h.again(h.height())
	}
	until(t, "all take orders", func() bool {
		return !slices.ContainsFunc(hosts, func(h *host) bool { return reachable(h.Log) != nil })
	})
	return hosts
}

// again runs a node again that was stopped.
func (h *host) again(folded uint64) {
	h.t.Helper()
	h.open(folded)
	h.t.Cleanup(h.stop)
}

// joins returns a node that joins with a token.
func joins(t *testing.T, n *meshtest.Network, by *host, id mesh.NodeID) *host {
	t.Helper()
	token := clustertest.TokenKey(uint64(id))
	if got := by.order(mesh.AdmitNode{Node: id, TokenKey: token.Public(), Expires: time.Now().Add(time.Hour)}); got != "unverified" {
		t.Fatalf("the token: %s", got)
	}
	dir := t.TempDir()
	if err := StoreJoining(dir, Token{
		Cluster: "c", Node: id, Founding: foundingOf(by.Log), Seeds: []string{"x:1"}, Key: token.Seed(), Expires: time.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	return start(t, n, id, dir, nil)
}

func foundingOf(l *Log) cluster.Hash {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Founding()
}

func TestWhatIsBeforeACheckpointIsDroppedAndNodesGoOnFromIt(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := keeping(t, n)
	away := hosts[2]
	if got := away.order(mesh.Cordon{Node: 3}); got != "unverified" {
		t.Fatal(got)
	}
	away.stop()
	missed := away.height()
	hosts[0].order(mesh.Uncordon{Node: 3})
	hosts[0].order(mesh.EnterMaintenance{Node: 3})
	hosts[0].grow(cluster.MarkEvery + 1)
	at := hosts[0].checkpoint()
	until(t, "the log has dropped what is before the checkpoint", func() bool { return n.Dropped() == at })
	for _, h := range hosts[:2] {
		until(t, "the record begins later", func() bool { return h.View().GetFirst() > 1 })
	}

	late := joins(t, n, hosts[1], 4)
	until(t, "the new node is a member", func() bool { return reachable(late.Log) == nil })
	away.again(missed)
	until(t, "the one that was away takes orders", func() bool { return reachable(away.Log) == nil })
	sameState(t, hosts[0], hosts[1], away, late)
	if first := late.View().GetFirst(); first != at+1 {
		t.Errorf("the new node's record begins at %d, and the checkpoint is of height %d", first, at)
	}
	got := strings.Join(away.foldedKinds(), ", ")
	if want := fmt.Sprintf("%d uncordon, %d enter_maintenance, ", at, missed+2); !strings.Contains(got, want) || !strings.Contains(got, fmt.Sprintf("%d checkpoint", at)) {
		t.Errorf("the one that was away folds %s", got)
	}
	if got := late.foldedKinds(); len(got) < 2 || got[0] != "1 admit_node" || !slices.Contains(got, fmt.Sprintf("%d enter_maintenance", missed+2)) {
		t.Errorf("the new node folds %q", got)
	}
	if got := late.order(mesh.Uncordon{Node: 1}); got != "unverified" {
		t.Errorf("an order on the new node: %s", got)
	}

	// All of them begin again with what they have.
	all := []*host{hosts[0], hosts[1], away, late}
	for _, h := range all {
		h.stop()
		folder, err := disk.Existing(Dir(h.dir))
		if err != nil {
			t.Fatal(err)
		}
		if report, err := durable.Walk(folder, chainName, nil); err != nil || len(report.Damage) > 0 {
			t.Errorf("the record of node %d is damaged: %v, %v", h.id, report.Damage, err)
		}
		h.verdicts = nil
		h.again(h.height())
		if len(h.Notes()) > 0 || len(h.Later()) > 0 {
			t.Errorf("node %d begins again with %q, and folds %d again", h.id, h.Notes(), len(h.Later()))
		}
	}
	until(t, "all take orders", func() bool {
		return !slices.ContainsFunc(all, func(h *host) bool { return reachable(h.Log) != nil })
	})
	sameState(t, all...)

	// The seeds lose the log, whose beginning nobody has.
	end := hosts[0].height()
	n.SetBack(0)
	until(t, "the log is filled up as far as anybody can", func() bool { return n.Dropped() > 0 && n.Dropped()+uint64(len(n.Log())) >= end })
	for i, h := range all {
		until(t, "it takes orders again", func() bool { return reachable(h.Log) == nil })
		if got := h.order(mesh.Cordon{Node: mesh.NodeID(i + 1)}); got != "unverified" {
			t.Errorf("node %d orders: %s", h.id, got)
		}
	}
	sameState(t, all...)

	// The next checkpoint follows from this one.
	hosts[0].grow(2*cluster.MarkEvery + 1)
	sameState(t, all...)
	next := late.checkpoint()
	until(t, "it is dropped further", func() bool { return n.Dropped() == next })
	last := joins(t, n, hosts[1], 5)
	until(t, "another new node is a member", func() bool { return reachable(last.Log) == nil })
	sameState(t, append(all, last)...)
	for _, h := range append(all, last) {
		until(t, "it raises no alarm", func() bool { return len(h.View().GetAlarms()) == 0 })
	}
}

func TestAStateThatDiffersIsRefused(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := keeping(t, n)
	hosts[2].stop()
	missed := hosts[2].height()
	hosts[0].grow(cluster.MarkEvery + 1)
	at := hosts[0].checkpoint()
	until(t, "the log has dropped what is before the checkpoint", func() bool { return n.Dropped() == at })
	hosts[2].change = func(in *meshosv1.StoredState) { in.Encoded[len(in.Encoded)-1] ^= 1 }
	hosts[2].again(missed)
	until(t, "it is refused", func() bool {
		return strings.Contains(hosts[2].said(), "not believed") || strings.Contains(hosts[2].said(), "can't be read")
	})
	until(t, "an alarm says so", func() bool {
		return strings.Contains(fmt.Sprint(hosts[2].View().GetAlarms()), "no checkpoint could be fetched")
	})
	if h := hosts[2].height(); h != missed {
		t.Errorf("it goes on at height %d", h)
	}
	if got := hosts[2].order(mesh.Cordon{Node: 3}); got != KindUnreachable {
		t.Errorf("it orders: %s", got)
	}
}

func TestANodeThatIsKilledBeforeItDoesWhatACheckpointSaysDoesItAfterwards(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := keeping(t, n)
	hosts[2].stop()
	missed := hosts[2].height()
	hosts[0].grow(cluster.MarkEvery + 1)
	at := hosts[0].checkpoint()
	until(t, "the log has dropped what is before the checkpoint", func() bool { return n.Dropped() == at })
	var base *cluster.Stored
	until(t, "the first node has a base", func() bool { // another one may have been first to drop
		var err error
		base, err = ReadBase(Dir(hosts[0].dir))
		return err == nil && base != nil
	})
	if err := writeBase(t.Context(), Dir(hosts[2].dir), base); err != nil {
		t.Fatal(err)
	}
	hosts[2].again(missed)
	later := hosts[2].Later()
	var kinds []string
	for _, l := range later {
		c := l.Input.(mesh.JudgedCommit)
		kinds = append(kinds, fmt.Sprintf("%d %s", c.Ordered.Height, c.Event.Kind()))
	}
	if len(later) < 2 || kinds[0] != "1 admit_node" || kinds[len(kinds)-1] != fmt.Sprintf("%d checkpoint", at) {
		t.Errorf("it begins with %q", kinds)
	}
	until(t, "it takes orders", func() bool { return reachable(hosts[2].Log) == nil })
	sameState(t, hosts...)
}

func TestABaseThatIsDamagedIsFetchedAgain(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	hosts := keeping(t, n)
	hosts[0].grow(cluster.MarkEvery + 1)
	hosts[0].checkpoint()
	until(t, "the record begins later", func() bool { return hosts[2].View().GetFirst() > 1 })
	sameState(t, hosts...)
	hosts[2].stop()
	path := filepath.Join(Dir(hosts[2].dir), BaseName)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	hosts[2].again(hosts[2].height())
	if notes := fmt.Sprint(hosts[2].Notes()); !strings.Contains(notes, "can't be used") {
		t.Errorf("notes %s", notes)
	}
	until(t, "it takes orders", func() bool { return reachable(hosts[2].Log) == nil })
	sameState(t, hosts...)
	hosts[2].stop()
	folder, err := disk.Existing(Dir(hosts[2].dir))
	if err != nil {
		t.Fatal(err)
	}
	if report, err := durable.Walk(folder, chainName, nil); err != nil || len(report.Damage) > 0 {
		t.Errorf("the record is damaged: %v, %v", report.Damage, err)
	}
}

func TestNothingIsDroppedThatTheNodeHasNotKept(t *testing.T) {
	n := meshtest.New(meshtest.Options{})
	h := several(t, n, 1)[0]
	h.age, h.kept = time.Nanosecond, func() uint64 { return 0 }
	h.stop()
	h.again(h.height())
	until(t, "it takes orders", func() bool { return reachable(h.Log) == nil })
	h.grow(cluster.MarkEvery + 1)
	h.checkpoint()
	h.stop()
	if _, err := os.Stat(filepath.Join(Dir(h.dir), BaseName)); !errors.Is(err, os.ErrNotExist) || n.Dropped() != 0 || h.View().GetFirst() != 1 {
		t.Errorf("there is a base (%v), %d entries were dropped, and the record begins at %d", err, n.Dropped(), h.View().GetFirst())
	}
	h.kept = nil
	h.again(h.height())
	until(t, "it is dropped", func() bool { return n.Dropped() == cluster.MarkEvery })
}
