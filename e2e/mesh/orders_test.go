package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// orders are commands with reasons of their own, by which they are told apart in audits.
type orders struct {
	row string // goes before each reason

	mu       sync.Mutex
	n        int
	accepted []string // reasons of those that a node said were accepted
	refused  []string // of those of which it said that nothing was ordered
}

// next returns another reason.
func (o *orders) next(format string, args ...any) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	return fmt.Sprintf("%s: %s, no. %d", o.row, fmt.Sprintf(format, args...), o.n)
}

// heard notes what became of an order. Of what is neither accepted nor refused nobody knows.
func (o *orders) heard(reason string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.accepted = append(o.accepted, reason)
	case strings.Contains(err.Error(), "mesh_unreachable"), strings.Contains(err.Error(), "mesh_not_joined"), strings.Contains(err.Error(), "mesh_log_frozen"):
		o.refused = append(o.refused, reason)
	}
}

// cordon orders something harmless on a node until it is accepted, each time with another
// reason.
func (w *world) cordon(o *orders, on int, why string) {
	w.t.Helper()
	var last error
	w.wait(func() string { return fmt.Sprintf("an order on node %d is accepted: %v", on, last) }, func() bool {
		last = w.tryCordon(o, on, why)
		return last == nil
	})
}

func (w *world) tryCordon(o *orders, on int, why string) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	reason := o.next("%s, on %d", why, on)
	err := w.publish(ctx, on, reason)
	o.heard(reason, err)
	return err
}

// unreachable orders something on a node until it is refused for want of a quorum. It must
// never be accepted. What was tried before the node noticed may turn out to count.
func (w *world) unreachable(o *orders, on int) {
	w.t.Helper()
	var last error
	w.wait(func() string { return fmt.Sprintf("node %d refuses an order as mesh_unreachable: %v", on, last) }, func() bool {
		if last = w.tryCordon(o, on, "without a quorum"); last == nil {
			w.t.Fatalf("node %d has no quorum, and says that an order was accepted", on)
		}
		return strings.Contains(last.Error(), "mesh_unreachable")
	})
}

// publish gives a node a harmless command without signature, as a program does.
func (w *world) publish(ctx context.Context, id int, reason string) error {
	return w.publishEvent(ctx, id, reason, &meshosv1.AdminEvent{
		Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}},
	})
}

func (w *world) publishEvent(ctx context.Context, id int, reason string, command *meshosv1.AdminEvent) error {
	got, err := w.host[id].Publish(ctx, &hostv1.PublishRequest{Events: []*meshosv1.Event{{
		Reason: reason, Kind: &meshosv1.Event_Admin{Admin: command},
	}}})
	if err == nil && got.GetAccepted() != 1 {
		err = fmt.Errorf("refused: %v", got.GetRefused())
	}
	return err
}

// under has some nodes order one thing after the other while a function runs.
func (w *world) under(o *orders, on []int, f func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	var all sync.WaitGroup
	for _, id := range on {
		all.Go(func() {
			for ctx.Err() == nil {
				reason := o.next("meanwhile, on %d", id)
				one, done := context.WithTimeout(context.WithoutCancel(ctx), patience)
				err := w.publish(one, id, reason)
				done()
				o.heard(reason, err)
				pause(ctx, between)
			}
		})
	}
	defer all.Wait()
	defer cancel()
	f()
}

// audit returns a node's audit records of the log of the mesh.
func (w *world) audit(id int) (records []*meshosv1.AdminAuditRecord) {
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
			return records
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if r.GetInMesh() {
			records = append(records, r)
		}
	}
}

// check waits until nodes have one log, and fails the test unless each accepted order is in
// each record of the log once, at the same height, and no refused one is.
func (w *world) check(o *orders, ids ...int) {
	w.t.Helper()
	// Whoever is told that an order was accepted may know before the others do.
	missing := ""
	w.wait(func() string {
		said := ""
		for _, id := range ids {
			said += fmt.Sprintf("\nnode %d has recorded %d entries; it says: %v", id, len(w.recorded(id)), w.snapshot(id).GetMesh())
		}
		return "all have recorded what was accepted: " + missing + said
	}, func() bool {
		for _, id := range ids {
			has := map[string]bool{}
			for _, reason := range w.counted(id) {
				has[reason] = true
			}
			for _, r := range o.accepted {
				if !has[r] {
					missing = fmt.Sprintf("node %d lacks %q", id, r)
					return false
				}
			}
		}
		return true
	})
	w.equal(1, ids...)
	first := w.counted(ids[0])
	count := map[string]int{}
	for _, reason := range first {
		count[reason]++
	}
	for _, r := range o.accepted {
		if count[r] != 1 {
			w.t.Errorf("the log has %q %d times; it was accepted once", r, count[r])
		}
	}
	for _, r := range o.refused {
		if count[r] != 0 {
			w.t.Errorf("the log has %q, of which it was said that nothing was ordered", r)
		}
	}
	for _, id := range ids[1:] {
		if other := w.counted(id); !maps.Equal(other, first) {
			w.t.Errorf("nodes %d and %d have recorded different orders:\n%v\n%v", ids[0], id, first, other)
		}
	}
}
