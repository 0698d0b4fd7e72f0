package cluster_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
)

// seeds returns a log with members, of whom the first ones are seeds.
func seeds(t testing.TB, members, seeds int) *clustertest.Log {
	t.Helper()
	l := clustertest.New(t, true)
	for id := mesh.NodeID(2); int(id) <= members; id++ {
		l.Add(l.Commit(clustertest.Node(id, "n", int(id) <= seeds), alice), 1)
	}
	return l
}

func TestTheSeedsReplaceSignersWhoseKeysAreLost(t *testing.T) {
	l := seeds(t, 4, 3)
	next := mesh.SetSigners{AllowedSigners: clustertest.Signers(t, eve), NeedBreakGlass: 1}
	want(t, l.Add(l.Recovery(next, 1), 1), "recovery")       // one of three
	want(t, l.Add(l.Recovery(next, 1, 1, 4), 1), "recovery") // one that is no seed, and one twice
	want(t, l.Add(l.Recovery(mesh.SetSigners{}, 1, 2), 1), "recovery")
	short := next
	short.NeedOrdinary = 2
	want(t, l.Add(l.Recovery(short, 1, 2), 1), "recovery") // nobody could command the mesh

	// Any member may order what the seeds signed.
	good := l.Recovery(next, 1, 3)
	o := l.Add(good, 4)
	want(t, o, "unverified")
	if !o.Signers || !o.Recovered || !strings.Contains(o.Order.Reason, "all keys are lost") || len(o.Order.Operators) != 2 {
		t.Errorf("%s: signers %v, recovered %v, reason %q, operators %v", o, o.Signers, o.Recovered, o.Order.Reason, o.Order.Operators)
	}
	if r := l.State.Recovered(); r.Height != o.Place.Height || r.Acknowledged || len(r.Seeds) != 2 {
		t.Errorf("recovered %+v", r)
	}
	want(t, l.Add(good, 1), "recovery") // it replaces others
	want(t, l.Add(l.Commit(mesh.Cordon{Node: 1}, alice), 1), "not_authorized")
	want(t, l.Add(l.Commit(mesh.AcknowledgeRecovery{}, eve), 1), "accepted")
	want(t, l.Add(l.Commit(mesh.AcknowledgeRecovery{}, eve), 1), "recovery") // nothing to acknowledge
	if !l.State.Recovered().Acknowledged {
		t.Error("not acknowledged")
	}
}

func TestARecoveryCountsForADay(t *testing.T) {
	l := seeds(t, 3, 3)
	next := mesh.SetSigners{AllowedSigners: clustertest.Signers(t, eve)}
	old, early := l.Recovery(next, 1, 2), l.Recovery(next, 1, 2)
	early.GetRecovery().IssuedAt.Seconds += 3600 // the signatures are over another time, too
	want(t, l.Add(early, 1), "recovery")
	l.Now = l.Now.Add(25 * time.Hour)
	want(t, l.Add(old, 1), "recovery")
	want(t, l.Add(l.Recovery(next, 1, 2), 1), "unverified")
}

// Less than a majority of the seeds never replaces who commands the mesh, and a majority does.
func TestARecoveryNeedsMoreThanHalfOfTheSeeds(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		count := rapid.IntRange(1, 5).Draw(r, "seeds")
		l := seeds(t, count+2, count)
		signed := rapid.SliceOfN(rapid.Uint64Range(1, uint64(count)+2), 0, 10).Draw(r, "signed")
		var by []mesh.NodeID
		valid := map[uint64]bool{}
		for _, id := range signed {
			by = append(by, mesh.NodeID(id))
			if id <= uint64(count) {
				valid[id] = true
			}
		}
		e := l.Recovery(mesh.SetSigners{AllowedSigners: clustertest.Signers(t, eve)}, by...)
		forged := rapid.Bool().Draw(r, "forged")
		if forged {
			e.GetRecovery().Reason += "!"
		}
		o := l.Add(e, 1)
		if right := !forged && len(valid) > count/2; o.Recovered != right {
			r.Fatalf("%d of %d seeds signed, forged %v: %s", len(valid), count, forged, o)
		}
	})
}
