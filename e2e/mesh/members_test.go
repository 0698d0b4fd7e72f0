package mesh

import (
	"context"
	"testing"

	"github.com/meshos/meshos/internal/meshlab"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestWhoHasNoTokenIsNeverLinkedAndATokenCountsOnce(t *testing.T) {
	w := newWorld(t, 4)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := w.lab.Found(ctx, 1, 1, 2); err != nil {
		t.Fatal(err)
	}
	w.allHear(1, 2)

	// Node 3 joins with a token; node 4 has the same one.
	token, err := w.lab.Node(1).Token(ctx, 3, false)
	if err != nil {
		t.Fatal(err)
	}
	use := func(n *meshlab.Node) {
		if err := n.Use(token); err != nil {
			t.Fatal(err)
		}
		if err := n.Start(); err != nil {
			t.Fatal(err)
		}
	}
	use(w.lab.Node(3))
	w.allHear(1, 2, 3)
	thief := w.lab.Node(4)
	if err := thief.SetID(3); err != nil { // as `meshos mesh join` would
		t.Fatal(err)
	}
	use(thief)
	w.until(1, "says that the token was used twice", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if f.GetSource() == "mesh:log" {
				return true
			}
		}
		return false
	})
	if view := w.until(4, "answers", func(*meshosv1.Snapshot) bool { return true }).GetMesh(); view.GetMember() || view.GetLink().GetConnected() || view.GetHeight() != 0 {
		t.Errorf("a node with a used token has more than nothing: %v", view)
	}
	w.allHear(1, 2, 3)
}

func TestAnExpelledNodeIsCutOff(t *testing.T) {
	w := newMesh(t, 3, 1)
	o := &orders{}
	w.cordon(o, 3, "before")
	w.order(1, &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExpelNode{ExpelNode: &meshosv1.ExpelNode{Node: 3}}})
	w.until(3, "has lost its link", func(s *meshosv1.Snapshot) bool { return !s.GetMesh().GetLink().GetConnected() })
	w.allHear(1, 2)
	w.refused(3, "admin", "cordon", "--node", "1", "--yes", "--reason", "on a node that was expelled")
	o.refused = append(o.refused, "on a node that was expelled")
	w.cordon(o, 2, "after")
	w.check(o, 1, 2)
}

// order gives a node a command until it takes it.
func (w *world) order(id int, ev *meshosv1.AdminEvent) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := meshlab.Publish(ctx, w.host[id], &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: ev}}); err != nil {
		w.t.Fatal(err)
	}
}
