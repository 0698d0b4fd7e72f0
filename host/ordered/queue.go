package ordered

import (
	"context"
	"errors"

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
	// Queue queues inputs in order; record waits until the last one is folded.
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
	if c.Outcome.Verdict == mesh.VerdictRejected || c.Event == nil {
		return q.loop.Judged(ctx, c)
	}
	record, err := q.order(ctx, []mesh.Input{c})
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
	record, err := q.order(ctx, []mesh.Input{mesh.Heard{Event: command}})
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
// returns how many were queued.
func (q Queue) PublishBatch(ctx context.Context, events []mesh.Event) (int, error) {
	events, err := q.loop.Fit(events)
	if err != nil {
		return 0, err
	}
	queued := 0
	for queued < len(events) {
		run := events[queued:]
		isOrder := q.log.isOrder(run[0])
		n := 1
		for n < len(run) && q.log.isOrder(run[n]) == isOrder {
			n++
		}
		run = run[:n]
		if !isOrder {
			n, err = q.loop.PublishBatch(ctx, run)
		} else {
			inputs := make([]mesh.Input, 0, n)
			for _, ev := range run {
				inputs = append(inputs, mesh.Heard{Event: ev})
			}
			if _, err = q.order(ctx, inputs); err != nil {
				n = 0
			}
		}
		if queued += n; err != nil {
			return queued, err
		}
	}
	return queued, nil
}

// isOrder reports whether an event orders something that has to outlive the process.
func (l *Log) isOrder(ev mesh.Event) bool {
	_, shutdown := ev.(mesh.Shutdown)
	return mesh.IsOrder(ev, l.opts.Node) && !shutdown
}
