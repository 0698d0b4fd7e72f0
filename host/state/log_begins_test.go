package state_test

import (
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

func judged(ev mesh.AdminEvent, height uint64) mesh.JudgedCommit {
	return mesh.JudgedCommit{
		Event: ev, Ordered: mesh.Place{Height: height, Mesh: true}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
	}
}

func TestTheLogOfAMeshEndsWhatWasOrderedBefore(t *testing.T) {
	w := newWorld(t)
	two := uint32(2)
	w.admin(
		mesh.Drain{Node: this}, mesh.Cordon{Node: 2}, mesh.SetPlacement{Node: this, Chain: 7, Desired: &two}, mesh.FreezeCluster{TTL: time.Hour},
	)
	w.input(mesh.JudgedCommit{Event: mesh.AdmitNode{Node: 1}, Ordered: mesh.Place{Height: 1, Mesh: true}, Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified}})
	o := w.s.Orders()
	if o.MeshHeight != 1 || o.Local != nil || len(o.Nodes)+len(o.Chains)+len(o.Forced) > 0 || o.Frozen {
		t.Errorf("left %+v", o)
	}
	text := w.s.Logs()[len(w.s.Logs())-1].Message
	for _, want := range []string{"its drain", "the cordon of node 2", "chain 7", "its freeze"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

func TestTheLogOfAMeshIsNotJudgedAgain(t *testing.T) {
	w := newWorld(t)
	w.admin(mesh.FreezeCluster{TTL: time.Hour}) // at the node's own door
	if o := w.s.Orders(); !o.FrozenHere {
		t.Error("the freeze is not known to be this node's own")
	}
	w.input(judged(mesh.Cordon{Node: 2}, 5))
	if n, _ := w.s.NodeOrder(2); !n.Cordoned || !n.By.Mesh || n.By.Height != 5 {
		t.Errorf("node 2: %+v", n)
	}
	w.input(judged(mesh.FreezeCluster{TTL: time.Hour}, 6))
	if o := w.s.Orders(); o.FrozenHere || o.Height != 0 || o.MeshHeight != 6 {
		t.Errorf("%+v", o)
	}
	late := judged(mesh.Uncordon{Node: 2}, 7)
	late.Late = true
	w.input(late)
	if n, _ := w.s.NodeOrder(2); !n.Cordoned {
		t.Error("an order that came too late was carried out")
	}
	audit := w.s.Audit()
	if last := audit[len(audit)-1]; !last.Late || last.Ordered.Height != 7 {
		t.Errorf("%+v", last)
	}
}
