package cluster_test

import (
	"fmt"
	"testing"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
)

// The first entry says how many chains follow it without signatures; no more count, and none once
// something else was ordered.
func TestChainsOfTheFoundingCountWithoutSignatures(t *testing.T) {
	chain := func(id mesh.ChainID) mesh.SetChain {
		return mesh.SetChain{Chain: id, Name: fmt.Sprintf("c%d", id), Replicas: 3, Stream: mesh.ChainStream{Subjects: []string{fmt.Sprintf("a.%d", id)}}}
	}
	l := clustertest.NewWithChains(t, true, 2)
	want(t, l.Add(cluster.NewFoundingChain(chain(1)), 1), "unverified")
	again, err := cluster.FromProto(l.State.ToProto())
	if err != nil || again.Sum() != l.State.Sum() {
		t.Errorf("read again: %v", err)
	}
	want(t, l.Add(cluster.NewFoundingChain(chain(2)), 1), "unverified")
	want(t, l.Add(cluster.NewFoundingChain(chain(3)), 1), "unsigned")
	if c := l.State.Chains(); len(c) != 2 {
		t.Errorf("%+v", c)
	}
	l = clustertest.NewWithChains(t, true, 2)
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), "accepted")
	want(t, l.Add(cluster.NewFoundingChain(chain(1)), 1), "unsigned")
}
