package loop

import (
	"context"
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// command is an operator's command in the queue of events, so that it is folded in
// its turn among them. Recorder and core get the input alone.
type command struct {
	mesh.AdminReceived // makes it an event for the queue, and is empty
	input              mesh.Input
	folded             chan mesh.AuditRecord // buffered, for the one record that it makes
}

// Judged queues a signed command with its verdict, behind what was published before,
// waits until it is folded, and returns the audit record that it made. When ctx ends
// before that, the command may still be folded.
func (h *Handle) Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	folded, err := h.command(ctx, c)
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	return h.record(ctx, folded)
}

// Unsigned publishes an unsigned command as Publish does, waits until it is folded, and
// returns the audit record that it made. A zero record without an error means that the
// command is queued, and that ctx or the loop ended before it was seen to be folded.
func (h *Handle) Unsigned(ctx context.Context, ev mesh.AdminReceived) (mesh.AuditRecord, error) {
	fitted, err := h.fitted(ev)
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	folded, err := h.command(ctx, mesh.Heard{Event: fitted})
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	record, _ := h.record(ctx, folded)
	return record, nil
}

// SignerChange queues a change of the operators' keys to be audited, as Judged does
// with a command, and returns its audit record.
func (h *Handle) SignerChange(ctx context.Context, c mesh.SignerChange) (mesh.AuditRecord, error) {
	folded, err := h.command(ctx, c)
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	return h.record(ctx, folded)
}

// Queue queues inputs, behind what was published before and with nothing else in between, and
// returns once the last one is queued. The last one is an order, with its place in the ordered
// log; record waits for it to be folded, and returns the audit record that it made if it is a
// command. When ctx
// ends before that, the rest of them is not queued.
func (h *Handle) Queue(ctx context.Context, ins []mesh.Input) (record func(context.Context) (mesh.AuditRecord, error), err error) {
	if h.closed.Load() {
		return nil, ErrHandleClosed
	}
	events := make([]mesh.Event, 0, len(ins))
	var last chan mesh.AuditRecord
	for _, in := range ins {
		if heard, is := in.(mesh.Heard); is && heard.Ordered == nil { // not an order
			events = append(events, heard.Event)
			continue
		}
		last = make(chan mesh.AuditRecord, 1)
		events = append(events, command{input: in, folded: last})
	}
	if _, err := h.events.put(ctx, events); err != nil {
		return nil, fmt.Errorf("orders: %w", err)
	}
	return func(ctx context.Context) (mesh.AuditRecord, error) { return h.record(ctx, last) }, nil
}

// Fit returns events as they are queued: lines that are too long are cut. The error says
// why they can't be published.
func (h *Handle) Fit(evs []mesh.Event) ([]mesh.Event, error) {
	if h.closed.Load() {
		return nil, ErrHandleClosed
	}
	return fitAll(evs)
}

// command queues an input as a command, and returns the channel on which its audit
// record comes.
func (h *Handle) command(ctx context.Context, in mesh.Input) (<-chan mesh.AuditRecord, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("command: %w", context.Cause(ctx))
	}
	if h.closed.Load() {
		return nil, ErrHandleClosed
	}
	c := command{input: in, folded: make(chan mesh.AuditRecord, 1)}
	if _, err := h.events.put(ctx, []mesh.Event{c}); err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	return c.folded, nil
}

func (h *Handle) record(ctx context.Context, folded <-chan mesh.AuditRecord) (mesh.AuditRecord, error) {
	select {
	case record := <-folded:
		return record, nil
	case <-ctx.Done():
		return mesh.AuditRecord{}, fmt.Errorf("command: wait for its audit record: %w", context.Cause(ctx))
	case <-h.ended:
	}
	select { // it may have been the last thing that the loop did
	case record := <-folded:
		return record, nil
	default:
		return mesh.AuditRecord{}, fmt.Errorf("command: %w", ErrLoopClosed)
	}
}
