package intake

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// Client brings the events and commands of one source.
type Client struct {
	in   *Intake
	from Source
}

// Client returns the intake as a source sees it.
func (in *Intake) Client(from Source) Client { return Client{in, from} }

// PublishBatch queues events in order, waits until the unsigned commands among them are
// folded, and returns which events were refused. With the error the events behind those
// of the result were not taken either.
func (c Client) PublishBatch(ctx context.Context, events []mesh.Event) (mesh.Published, error) {
	b := batch{Client: c}
	for i, ev := range events {
		if err := b.add(ctx, i, ev); err != nil {
			return b.result, err
		}
	}
	err := b.queue(ctx)
	return b.result, err
}

// batch is one call of PublishBatch.
type batch struct {
	Client
	result mesh.Published
	run    []mesh.Event // that are not queued yet
}

// add takes or refuses one event.
func (b *batch) add(ctx context.Context, index int, ev mesh.Event) error {
	if line, is := ev.(mesh.LogLine); is {
		line.Source, line.Output = b.from.Lines, mesh.OutputPlace{}
		ev = line
	}
	verdict, refused := b.judge(ev)
	if line, is := ev.(mesh.LogLine); is && !refused {
		switch b.in.lines.admit(b.from, line) {
		case counted:
			b.in.wake()
			return b.takeCounted(ctx)
		case suppressed:
			b.in.wake()
			verdict, refused = tooManyLines(), true
		}
	}
	if !refused {
		ev, verdict, refused = b.in.admit(ctx, b.from, ev)
	}
	command, isCommand := ev.(mesh.AdminReceived)
	if !refused && !isCommand {
		if _, ends := ev.(mesh.Shutdown); ends { // nothing is recorded after it
			b.recordTaken(ev)
		}
		b.run = append(b.run, ev)
		return nil
	}
	if err := b.queue(ctx); err != nil { // what was refused is behind it
		return err
	}
	if isCommand && !refused {
		record, err := b.unsigned(ctx, command)
		if err != nil {
			return err
		}
		if record.Seq != 0 {
			b.result.Record = &record
		}
		verdict, refused = record.Outcome, record.Outcome.Verdict == mesh.VerdictRejected
	} else if verdict.Kind == auditFull && b.from.Grant == nil {
		if err := b.auditFull(ctx, command, verdict); err != nil {
			return err
		}
	} else {
		b.recordRefusal(ev, verdict)
	}
	if refused {
		b.result.Refused = append(b.result.Refused, mesh.RefusedEvent{Index: index, Verdict: verdict})
	} else {
		b.result.Taken++
	}
	return nil
}

// unsigned has a command without a signature folded.
func (b *batch) unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	if b.in.ordersInMesh() {
		return b.in.unsignedInMesh(ctx, command)
	}
	return b.in.audited(ctx, func() (mesh.AuditRecord, error) { return b.in.loop.Unsigned(ctx, command) })
}

// judge returns the verdict on an event that is refused before it comes to the loop.
func (b *batch) judge(ev mesh.Event) (verdict mesh.Verification, refused bool) {
	order := mesh.IsOrder(ev, b.in.node)
	if order {
		if verdict, refused = b.in.authorizer.RefuseUnsigned(ev); refused && verdict.Kind != auditFull {
			return verdict, true
		}
	}
	if ungranted, is := b.from.refuse(ev, order); is {
		return ungranted, true
	}
	return verdict, refused
}

// takeCounted takes a line that the log says in a number only. What came before it is queued
// first, so that the result is about the first events of the batch, whatever happens next.
func (b *batch) takeCounted(ctx context.Context) error {
	if err := b.queue(ctx); err != nil {
		return err
	}
	b.result.Taken++
	return nil
}

// queue queues the events of the run.
func (b *batch) queue(ctx context.Context) error {
	if len(b.run) == 0 {
		return nil
	}
	n, err := b.in.loop.PublishBatch(ctx, b.run)
	b.result.Taken += n
	for _, ev := range b.run[:n] {
		if _, ends := ev.(mesh.Shutdown); !ends {
			b.recordTaken(ev)
		}
	}
	b.run = nil
	return err
}

// recordTaken has an order audited that was taken without a signature. A command is no such
// order: it has a record of its own.
func (b *batch) recordTaken(ev mesh.Event) {
	b.recordRefusal(ev, mesh.Verification{Verdict: mesh.VerdictUnverified})
}

// auditFull is the kind of the verdict on a command that nothing is wrong with. Each of
// an operator's has a record, like those that the core rejects.
const auditFull = "audit_full"

func (b *batch) auditFull(ctx context.Context, command mesh.AdminReceived, verdict mesh.Verification) error {
	_, err := b.in.audited(ctx, func() (mesh.AuditRecord, error) {
		return b.in.fold(ctx, mesh.JudgedCommit{Event: command.Event, Outcome: verdict, Reason: command.Reason})
	})
	return err
}

// recordRefusal has an order audited with its verdict. Facts are not: they are nobody's
// command.
func (b *batch) recordRefusal(ev mesh.Event, verdict mesh.Verification) {
	if !mesh.IsOrder(ev, b.in.node) {
		return
	}
	kind, judged := mesh.EventKind(ev), mesh.JudgedCommit{Outcome: verdict, Refusal: &mesh.Refusal{Order: ev}}
	if command, is := ev.(mesh.AdminReceived); is {
		kind, judged.Event, judged.Refusal.Order = command.Event.Kind(), command.Event, nil
		judged.Reason = command.Reason
	}
	if b.in.refusals.add(b.from.Name, kind, judged) {
		b.in.wake()
	}
}

// Commit judges a signed command, has it folded and returns the audit record that it
// left. Until it is judged it waits for ctx; from then on it does not depend on the
// caller any more, since a command that was accepted counts as used and must not be
// lost. The commands of a plugin that are rejected are audited as refusals are: their
// record may come later, and the one that is returned has no Seq.
func (c Client) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	if c.in.ordersInMesh() {
		if verdict, command := c.in.authorizer.Vouch(string(c.from.Origin), signed); command.OnlyOn == 0 {
			return c.commitInMesh(ctx, verdict, signed)
		}
	}
	return c.in.audited(ctx, func() (mesh.AuditRecord, error) {
		verdict := c.in.authorizer.Judge(string(c.from.Origin), signed)
		if verdict.Outcome.Verdict != mesh.VerdictRejected && verdict.Event != nil {
			if _, over, refused := c.in.admit(ctx, c.from, mesh.AdminReceived{Event: verdict.Event}); refused {
				verdict.Outcome = over
			}
		}
		if c.from.Grant == nil || verdict.Outcome.Verdict != mesh.VerdictRejected {
			return c.in.fold(ctx, verdict)
		}
		c.in.authorizer.Settled(verdict, 0)
		verdict.Refusal = &mesh.Refusal{}
		if c.in.refusals.add(c.from.Name, verdict.Outcome.Kind, verdict) {
			c.in.wake()
		}
		return mesh.AuditRecord{
			Event: verdict.Event, Operators: verdict.Operators, Outcome: verdict.Outcome, CommitID: verdict.CommitID,
		}, nil
	})
}
