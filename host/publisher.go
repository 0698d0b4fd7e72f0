package host

import (
	"context"

	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
)

// publisher takes what clients of the API and plugins publish. Commands among it are
// let in as fast as their records are shown.
type publisher struct {
	*loop.Handle
	operators *operator.Authorizer
	pace      *pace
	unsigned  bool // unsigned commands are carried out
}

func (n *node) publisher() publisher {
	unsigned := n.cfg.Operators.Signers == "" || n.cfg.Operators.AllowUnsigned
	return publisher{n.handle, n.operators, n.pace, unsigned}
}

// PublishBatch implements api.Publisher. It waits for unsigned commands to be folded.
// One for whose record there may be no room is refused, which its audit record says;
// it counts as taken.
func (p publisher) PublishBatch(ctx context.Context, events []mesh.Event) (taken int, err error) {
	for i, event := range events {
		command, is := event.(mesh.AdminReceived)
		if !is {
			continue
		}
		n, err := p.Handle.PublishBatch(ctx, events[taken:i])
		if taken += n; err != nil {
			return taken, err
		}
		if err := p.command(ctx, command); err != nil {
			return taken, err
		}
		taken++
	}
	n, err := p.Handle.PublishBatch(ctx, events[taken:])
	return taken + n, err
}

func (p publisher) command(ctx context.Context, command mesh.AdminReceived) error {
	if p.unsigned {
		if verdict, refused := p.operators.RefuseUnsigned(command.Event); refused {
			return p.Commit(ctx, verdict)
		}
	}
	done, err := p.pace.room(ctx)
	if err != nil {
		return err
	}
	record, err := p.Unsigned(ctx, command)
	done(record.Seq)
	return err
}

// SignerChange has a change of the operators' keys audited.
func (p publisher) SignerChange(ctx context.Context, c mesh.SignerChange) error {
	done, err := p.pace.room(ctx)
	if err != nil {
		return err
	}
	record, err := p.Handle.SignerChange(ctx, c)
	done(record.Seq)
	return err
}

// Judged implements api.Publisher.
func (p publisher) Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
	record, err := p.Handle.Judged(ctx, c)
	p.operators.Settled(c, record.Seq)
	return record, err
}

// Commit brings in a judged command for somebody who does not ask what became of it.
func (p publisher) Commit(ctx context.Context, c mesh.JudgedCommit) error {
	done, err := p.pace.room(ctx)
	if err != nil {
		p.operators.Settled(c, 0)
		return err
	}
	record, err := p.Judged(ctx, c)
	done(record.Seq)
	return err
}
