package mesh

import (
	"context"
	"fmt"
	"strings"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// aWrongClock has the clock of a node be an hour ahead, and an hour behind. What it orders is
// void for all alike, and what others order counts there too.
func aWrongClock(w *world, o *orders) {
	const id = 5
	defer func() { w.lab.Node(id).ClockOff = 0 }()
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		w.stop(id)
		w.lab.Node(id).ClockOff = off
		w.start(id)
		reason := w.void(o, id)
		w.cordon(o, 1, "while a clock is wrong")
		w.equal(1, five...)
		for _, other := range five {
			w.audits(other, reason)
		}
	}
	w.stop(id)
	w.lab.Node(id).ClockOff = 0
	w.start(id)
	w.cordon(o, id, "the clock is right again")
}

// void orders something on a node until it hears that it is void, and returns its reason.
func (w *world) void(o *orders, id int) (reason string) {
	w.t.Helper()
	var last error
	w.wait(func() string { return fmt.Sprintf("what node %d orders is void: %v", id, last) }, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		defer cancel()
		reason = o.next("by a wrong clock")
		if last = w.publish(ctx, id, reason); last == nil {
			w.t.Fatalf("node %d, whose clock is wrong, says that an order was accepted", id)
		}
		o.heard(reason, last)
		return strings.Contains(last.Error(), "void")
	})
	return reason
}

// audits waits until the audit of a node has an order as void.
func (w *world) audits(id int, reason string) {
	w.t.Helper()
	w.wait(func() string { return fmt.Sprintf("the audit of node %d has %q", id, reason) }, func() bool {
		for _, r := range w.audit(id) {
			if r.GetReason() != reason {
				continue
			}
			if out := r.GetOutcome(); out.GetVerdict() != meshosv1.VerificationOutcome_VERDICT_REJECTED || !strings.Contains(out.String(), "void") {
				w.t.Fatalf("node %d says of an order that is void: %v", id, out)
			}
			return true
		}
		return false
	})
}
