package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// orders are commands with reasons of their own, by which they are told apart in audits.
type orders struct {
	mu       sync.Mutex
	accepted []string // reasons of those that a node said were accepted
	refused  []string // of those of which it said that nothing was ordered
}

// cordon orders something harmless on a node until it is accepted, each time with another
// reason.
func (w *world) cordon(o *orders, on int, name string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for try := 0; ; try++ {
		reason := fmt.Sprintf("%s, try %d", name, try)
		verb := [...]string{"cordon", "uncordon"}[try%2]
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		_, err := w.lab.Node(on).Run(ctx, "admin", verb, "--node", "1", "--yes", "--reason", reason)
		cancel()
		o.mu.Lock()
		switch {
		case err == nil:
			o.accepted = append(o.accepted, reason)
		case strings.Contains(err.Error(), "mesh_unreachable"):
			o.refused = append(o.refused, reason)
		}
		o.mu.Unlock()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Errorf("not within %s: an order on node %d is accepted: %v", patience, on, err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// audited returns the reasons in a node's audit of the log of the mesh, in order.
func (w *world) audited(id int) (reasons []string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	stream, err := w.host[id].TailAudit(ctx, &hostv1.TailRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return reasons
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if r.GetReason() != "" && r.GetInMesh() && r.GetOutcome().GetVerdict() != meshosv1.VerificationOutcome_VERDICT_REJECTED {
			reasons = append(reasons, r.GetReason())
		}
	}
}

// check waits until all nodes have one log, and fails the test unless each accepted order is in
// each audit once, in the same order, and no refused one is.
func (w *world) check(o *orders, ids ...int) {
	w.t.Helper()
	w.equal(1, ids...)
	var first []string
	for i, id := range ids {
		got := w.audited(id)
		// A record comes to the disk a moment after the order was folded.
		for deadline := time.Now().Add(patience); !hasAll(got, o.accepted) && time.Now().Before(deadline); {
			time.Sleep(50 * time.Millisecond)
			got = w.audited(id)
		}
		count := map[string]int{}
		for _, r := range got {
			count[r]++
		}
		for _, r := range o.accepted {
			if count[r] != 1 {
				w.t.Errorf("node %d has folded %q %d times; it was accepted once", id, r, count[r])
			}
		}
		for _, r := range o.refused {
			if count[r] != 0 {
				w.t.Errorf("node %d has folded %q, of which it was said that nothing was ordered", id, r)
			}
		}
		if i == 0 {
			first = got
		} else if !slices.Equal(got, first) {
			w.t.Errorf("nodes %d and %d have folded orders in different orders:\n%q\n%q", ids[0], id, first, got)
		}
	}
}

func TestCommandsGivenOnAllNodesAtOnceAreFoldedOnceEachInOneOrder(t *testing.T) {
	const nodes, each = 3, 100
	w := newMesh(t, nodes, nodes)
	o := &orders{}
	w.cordon(o, 1, "the first one") // there is a leader
	var all sync.WaitGroup
	for id := 1; id <= nodes; id++ {
		all.Go(func() {
			for i := range each {
				reason := fmt.Sprintf("%d from node %d", i, id)
				if err := w.publish(id, reason); err != nil {
					t.Errorf("node %d: %v", id, err)
					return
				}
				o.mu.Lock()
				o.accepted = append(o.accepted, reason)
				o.mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, id := range w.all() {
		w.until(id, "has folded all of them", func(s *meshosv1.Snapshot) bool {
			return s.GetMesh().GetHeight() >= nodes*each
		})
	}
	w.check(o, w.all()...)
}

// publish gives a node a command without signature, as a program does.
func (w *world) publish(id int, reason string) error {
	event := &meshosv1.Event{Reason: reason, Kind: &meshosv1.Event_Admin{Admin: &meshosv1.AdminEvent{
		Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}},
	}}}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		got, err := w.host[id].Publish(ctx, &hostv1.PublishRequest{Events: []*meshosv1.Event{event}})
		switch {
		case err != nil:
			return err
		case got.GetAccepted() == 1:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("refused: %v", got.GetRefused())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// hasAll reports whether all of these are among the reasons.
func hasAll(reasons, these []string) bool {
	return !slices.ContainsFunc(these, func(r string) bool { return !slices.Contains(reasons, r) })
}
