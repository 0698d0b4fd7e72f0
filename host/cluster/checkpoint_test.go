package cluster_test

import (
	"testing"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
)

// grow adds entries up to a height.
func grow(l *clustertest.Log, to uint64) {
	for n := 0; l.State.Height() < to; n++ {
		l.Add(l.Commit([]mesh.AdminEvent{mesh.Cordon{Node: 1}, mesh.Uncordon{Node: 1}}[n%2], alice), 1)
	}
}

func TestACheckpointIsWhatTheLogLeadsTo(t *testing.T) {
	l := clustertest.New(t, true)
	grow(l, cluster.MarkEvery)
	at := l.State.Sum()
	if m := l.State.Marks(); len(m) != 1 || m[0] != (cluster.Mark{Height: cluster.MarkEvery, Sum: at}) {
		t.Fatalf("marks %v", m)
	}
	right := mesh.Checkpoint{Height: cluster.MarkEvery, State: at}
	if r := l.State.Preview(clustertest.Sign(t, l.Command(right), alice, bob), l.Now); r != nil {
		t.Errorf("the preview says %v", r)
	}
	want(t, l.Add(l.Commit(mesh.Checkpoint{Height: cluster.MarkEvery, State: cluster.Hash{1}}, alice, bob), 1), "checkpoint")
	want(t, l.Add(l.Commit(mesh.Checkpoint{Height: cluster.MarkEvery - 1, State: at}, alice, bob), 1), "checkpoint")
	want(t, l.Add(l.Commit(right, alice), 1), "insufficient_signatures")
	grow(l, cluster.MarkEvery+20)
	o := l.Add(l.Commit(right, alice, bob), 1)
	want(t, o, "accepted")
	if m, entry := l.State.Checkpoint(); !o.Checkpoint || m.Sum != at || m.Height != cluster.MarkEvery || entry != o.Place.Height {
		t.Errorf("the checkpoint is %v, by %d", m, entry)
	}
	want(t, l.Add(l.Commit(right, alice, bob), 1), "checkpoint") // there is one already
}

func TestOldMarksAreForgotten(t *testing.T) {
	l := clustertest.New(t, false)
	for n := 0; l.State.Height() <= 40*cluster.MarkEvery; n++ {
		l.Add(clustertest.Unsigned(mesh.Cordon{Node: 1}), 1)
	}
	m := l.State.Marks()
	if len(m) != 32 || m[31].Height != 40*cluster.MarkEvery {
		t.Errorf("%d marks up to %d", len(m), m[len(m)-1].Height)
	}
}
