package intake

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// Origin is the way by which a signed command came. Each has its own limit of
// signatures that are verified, so that one can't use up the other's.
type Origin string

// The origins of commands.
const (
	FromAPI     Origin = "api"
	FromPlugins Origin = "plugins"
)

// foldWithin is how long a command that was judged may take to be folded.
const foldWithin = 10 * time.Second

// Loop folds what comes in; *loop.Handle is one. Each method waits for room in the
// queue until ctx ends.
type Loop interface {
	PublishBatch(ctx context.Context, events []mesh.Event) (int, error)
	Judged(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error)
	Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error)
	SignerChange(ctx context.Context, c mesh.SignerChange) (mesh.AuditRecord, error)
}

// Authorizer decides about commands; *operator.Authorizer is one.
type Authorizer interface {
	// Judge returns the verdict on a signed command, also on bytes that are not one. A
	// command is accepted once, so the verdict has to be folded.
	Judge(origin string, signed wire.Signed) mesh.JudgedCommit
	// RefuseUnsigned returns the verdict on an unsigned command if it is refused.
	RefuseUnsigned(ev mesh.AdminEvent) (verdict mesh.JudgedCommit, refused bool)
	// Settled tells that a verdict was folded and left the audit record seq; 0 if it
	// was not folded.
	Settled(verdict mesh.JudgedCommit, seq uint64)
}

// Intake lets events and commands in. Any number of goroutines may use it.
type Intake struct {
	loop       Loop
	authorizer Authorizer
	limiter    *auditLimiter
	unsigned   bool
}

// New returns the way in to a loop whose snapshots are source. With unsigned set,
// unsigned commands are carried out, unless the authorizer refuses them; otherwise
// the core rejects them.
func New(loop Loop, authorizer Authorizer, source follow.Source, unsigned bool) *Intake {
	return &Intake{loop: loop, authorizer: authorizer, limiter: newAuditLimiter(source), unsigned: unsigned}
}

// PublishBatch queues events in order, waits until the unsigned commands among them
// are folded, and returns how many events were taken. A command that is refused, for
// example because the audit log is full, counts as taken: its audit record says so.
func (in *Intake) PublishBatch(ctx context.Context, events []mesh.Event) (taken int, err error) {
	for i, event := range events {
		command, is := event.(mesh.AdminReceived)
		if !is {
			continue
		}
		n, err := in.loop.PublishBatch(ctx, events[taken:i])
		if taken += n; err != nil {
			return taken, err
		}
		if err := in.publishCommand(ctx, command); err != nil {
			return taken, err
		}
		taken++
	}
	n, err := in.loop.PublishBatch(ctx, events[taken:])
	return taken + n, err
}

func (in *Intake) publishCommand(ctx context.Context, command mesh.AdminReceived) error {
	_, err := in.audited(ctx, func() (mesh.AuditRecord, error) {
		if in.unsigned {
			if verdict, refused := in.authorizer.RefuseUnsigned(command.Event); refused {
				return in.fold(ctx, verdict)
			}
		}
		return in.loop.Unsigned(ctx, command)
	})
	return err
}

// Commit judges a signed command, has it folded and returns the audit record that it
// left. Until it is judged it waits for ctx; from then on it does not depend on the
// caller any more, since a command that was accepted counts as used and must not be
// lost.
func (in *Intake) Commit(ctx context.Context, origin Origin, signed wire.Signed) (mesh.AuditRecord, error) {
	return in.audited(ctx, func() (mesh.AuditRecord, error) {
		return in.fold(ctx, in.authorizer.Judge(string(origin), signed))
	})
}

// Client brings events and commands from one origin.
type Client struct {
	in     *Intake
	origin Origin
}

// Client returns the intake as those of one origin see it.
func (in *Intake) Client(origin Origin) Client { return Client{in, origin} }

// PublishBatch is Intake.PublishBatch.
func (c Client) PublishBatch(ctx context.Context, events []mesh.Event) (int, error) {
	return c.in.PublishBatch(ctx, events)
}

// Commit is Intake.Commit with the client's origin.
func (c Client) Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error) {
	return c.in.Commit(ctx, c.origin, signed)
}

// SignerChange has a change of the operators' keys audited.
func (in *Intake) SignerChange(ctx context.Context, c mesh.SignerChange) error {
	_, err := in.audited(ctx, func() (mesh.AuditRecord, error) { return in.loop.SignerChange(ctx, c) })
	return err
}

// audited calls what leaves one audit record, once there is room for it.
func (in *Intake) audited(ctx context.Context, leave func() (mesh.AuditRecord, error)) (record mesh.AuditRecord, err error) {
	release, err := in.limiter.acquire(ctx)
	if err != nil {
		return mesh.AuditRecord{}, err
	}
	defer func() { release(record.Seq) }()
	return leave()
}

// fold brings a verdict to the loop, whether or not the caller still waits.
func (in *Intake) fold(ctx context.Context, verdict mesh.JudgedCommit) (mesh.AuditRecord, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), foldWithin)
	defer cancel()
	record, err := in.loop.Judged(ctx, verdict)
	in.authorizer.Settled(verdict, record.Seq)
	return record, err
}
