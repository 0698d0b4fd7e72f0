package ordered

import (
	"context"
	"errors"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// kindUnavailable is why an order is rejected that can't be kept, as for one that the
// operators' memory can't keep.
const kindUnavailable = "store_unavailable"

// Loop folds what comes in; *loop.Handle is one.
type Loop interface {
	Fit(events []mesh.Event) ([]mesh.Event, error)
	PublishBatch(ctx context.Context, events []mesh.Event) (int, error)
	Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error)
	SignerChange(ctx context.Context, c mesh.SignerChange) (mesh.AuditRecord, error)
	// Queue queues inputs in order; record waits until the last order among them is folded.
	Queue(ctx context.Context, ins []mesh.Input) (record func(context.Context) (mesh.AuditRecord, error), err error)
}

// Queue is the queue of a loop behind the log: an order is in the log before it is queued,
// and orders are queued in the order of their heights. What is not an order passes.
type Queue struct {
	log  *Log
	loop Loop
}

// Queue returns the queue of a loop behind the log.
func (l *Log) Queue(loop Loop) Queue { return Queue{log: l, loop: loop} }

// SignerChange is the loop's.
func (q Queue) SignerChange(ctx context.Context, c mesh.SignerChange) (mesh.AuditRecord, error) {
	return q.loop.SignerChange(ctx, c)
}

// Judged keeps and queues a signed command with its verdict, waits until it is folded, and
// returns its audit record. A rejected one is not kept. One that can't be kept becomes a
// rejected one, unless it is a thaw: a freeze can always be ended.
func (q Queue) Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	if c.Outcome.Verdict == mesh.VerdictRejected || c.Event == nil || c.Ordered.Mesh { // it has a record of its own
		return q.loop.Judged(ctx, c)
	}
	record, err := q.order(ctx, []mesh.Input{c}, nil)
	var unavailable *UnavailableError
	switch {
	case errors.As(err, &unavailable):
		if _, thaw := c.Event.(mesh.ThawCluster); !thaw {
			c.Envelope = nil
			c.Outcome = mesh.Verification{Verdict: mesh.VerdictRejected, Kind: kindUnavailable, Message: err.Error()}
		}
		return q.loop.Judged(ctx, c)
	case err != nil:
		return mesh.AuditRecord{}, err
	}
	return record(ctx)
}

// Unsigned is Judged for a command without a signature. A zero record without an error
// means that the command is queued, and that ctx or the loop ended before it was seen to be
// folded.
func (q Queue) Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	if _, err := q.loop.Fit([]mesh.Event{command}); err != nil {
		return mesh.AuditRecord{}, err
	}
	record, err := q.order(ctx, []mesh.Input{mesh.Heard{Event: command}}, nil)
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		outcome := mesh.Verification{Verdict: mesh.VerdictRejected, Kind: kindUnavailable, Message: err.Error()}
		if _, thaw := command.Event.(mesh.ThawCluster); thaw {
			outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
		}
		return q.loop.Judged(ctx, mesh.JudgedCommit{Event: command.Event, Reason: command.Reason, Outcome: outcome})
	}
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	out, _ := record(ctx)
	return out, nil
}

// PublishBatch queues events in order, the orders among them once they are kept, and
// returns how many were queued. All orders of a batch are kept with one sync.
func (q Queue) PublishBatch(ctx context.Context, events []mesh.Event) (int, error) {
	events, err := q.loop.Fit(events)
	if err != nil {
		return 0, err
	}
	first := slices.IndexFunc(events, q.log.isOrder)
	if first < 0 {
		return q.loop.PublishBatch(ctx, events)
	}
	if first > 0 {
		if n, err := q.loop.PublishBatch(ctx, events[:first]); err != nil {
			return n, err
		}
	}
	last := len(events) - 1
	for !q.log.isOrder(events[last]) {
		last--
	}
	// What is between the orders keeps its place among them.
	inputs := make([]mesh.Input, 0, last+1-first)
	for _, ev := range events[first : last+1] {
		inputs = append(inputs, mesh.Heard{Event: ev})
	}
	isOrder := func(in mesh.Input) bool { return q.log.isOrder(in.(mesh.Heard).Event) }
	if _, err := q.order(ctx, inputs, isOrder); err != nil {
		return first, err
	}
	if last+1 == len(events) {
		return len(events), nil
	}
	n, err := q.loop.PublishBatch(ctx, events[last+1:])
	return last + 1 + n, err
}

// isOrder reports whether an event orders something that has to outlive the process.
func (l *Log) isOrder(ev mesh.Event) bool {
	_, shutdown := ev.(mesh.Shutdown)
	return mesh.IsOrder(ev, l.opts.Node) && !shutdown
}
