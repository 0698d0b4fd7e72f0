package ordered

import (
	"context"
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// groupSize bounds how many requests are written to disk together.
const groupSize = 256

// request is one call of order: orders that are kept and queued together, and what is between
// them.
type request struct {
	inputs  []mesh.Input
	orders  []int                    // which inputs are orders
	entries []*meshosv1.OrderedEntry // of the orders

	// Written by who has the turn, before done is closed.
	record func(context.Context) (mesh.AuditRecord, error)
	err    error
	done   chan struct{}
}

// order keeps orders and queues them, with the inputs between them that are none; a nil isOrder
// means that all are. Orders that come while the disk is busy are written
// together, with one sync: whoever gets the turn writes for all that wait. Once an order is
// kept, it waits for nobody but the loop: it counts from then on.
func (q Queue) order(ctx context.Context, ins []mesh.Input, isOrder func(mesh.Input) bool) (func(context.Context) (mesh.AuditRecord, error), error) {
	r := &request{inputs: ins, done: make(chan struct{})}
	for i, in := range ins {
		if isOrder == nil || isOrder(in) {
			r.orders, r.entries = append(r.orders, i), append(r.entries, q.log.order(in))
		}
	}
	q.log.enter(r)
	select {
	case q.log.turn <- struct{}{}:
	case <-r.done:
		return r.record, r.err
	case <-ctx.Done():
		if q.log.leave(r) {
			return nil, fmt.Errorf("an earlier order is still being written: %w", context.Cause(ctx))
		}
		<-r.done // somebody is writing it
		return r.record, r.err
	}
	defer q.log.release()
	for {
		select {
		case <-r.done:
			return r.record, r.err
		default:
			q.writeGroup(context.WithoutCancel(ctx))
		}
	}
}

// writeGroup writes what waits, and queues it. The caller has the turn.
func (q Queue) writeGroup(ctx context.Context) {
	group := q.log.waitingRequests()
	var entries []*meshosv1.OrderedEntry
	for _, r := range group {
		entries = append(entries, r.entries...)
	}
	if len(entries) == 0 {
		return
	}
	places, err := q.log.append(entries)
	for _, r := range group {
		if r.err = err; err == nil {
			r.place(places[:len(r.orders)])
			places = places[len(r.orders):]
			r.record, r.err = q.loop.Queue(ctx, r.inputs)
		}
		close(r.done)
	}
}

// place notes in the inputs where their entries stand.
func (r *request) place(places []mesh.Place) {
	for n, i := range r.orders {
		switch in := r.inputs[i].(type) {
		case mesh.JudgedCommit:
			in.Ordered = places[n]
			r.inputs[i] = in
		case mesh.Heard:
			in.Ordered = &places[n]
			r.inputs[i] = in
		}
	}
}

// enter adds a request to those that wait.
func (l *Log) enter(r *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, r)
}

// leave removes a request, and reports whether it still waited.
func (l *Log) leave(r *request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.waiting)
	l.waiting = slices.DeleteFunc(l.waiting, func(other *request) bool { return other == r })
	return len(l.waiting) < before
}

// waitingRequests removes and returns the requests that are written next, in the order in
// which they came.
func (l *Log) waitingRequests() []*request {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), groupSize)
	group := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	return group
}
