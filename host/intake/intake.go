package intake

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/capacity"
	"github.com/meshos/meshos/host/follow"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
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

// Authorizer decides about orders; *operator.Authorizer is one.
type Authorizer interface {
	// Judge returns the verdict on a signed command, also on bytes that are not one. A
	// command is accepted once, so the verdict has to be folded.
	Judge(origin string, signed wire.Signed) mesh.JudgedCommit
	// Vouch returns a verdict on a command that is to be ordered in the log of a mesh, as far as
	// only this node can judge it. It uses nothing up.
	Vouch(origin string, signed wire.Signed) (verdict mesh.JudgedCommit, command rules.Command)
	// RefuseUnsigned returns the verdict on an order without a signature if it is
	// refused: because it would need one, or because the audit log is full.
	RefuseUnsigned(order mesh.Event) (verdict mesh.Verification, refused bool)
	// Settled reports that a verdict was folded and left the audit record seq; 0 if it
	// was not folded.
	Settled(verdict mesh.JudgedCommit, seq uint64)
}

// Options are what an Intake works with.
type Options struct {
	Loop       Loop
	Authorizer Authorizer
	Mesh       Mesh          // nil: the node can't belong to one
	Records    follow.Source // shows the newest audit records
	// Taken returns the seq up to which audit records need not stay in the loop's ring, and a
	// channel that is closed when that changes. nil: what Records shows counts as taken.
	Taken func() (seq uint64, changed <-chan struct{})
	Node  mesh.NodeID // this node
	// RefusalRoom reports whether the audit log takes one more record of what was
	// refused; nil for always.
	RefusalRoom func() bool
	// Capacity bounds how much the node remembers; nil for no bounds.
	Capacity *capacity.Gate
	// Now is the clock of the limits; nil for the real one.
	Now func() time.Time
}

// Intake lets events and commands in. Any number of goroutines may use it.
type Intake struct {
	loop       Loop
	authorizer Authorizer
	mesh       Mesh
	node       mesh.NodeID
	capacity   *capacity.Gate
	limiter    *auditLimiter
	refusals   refusals
	lines      lines
	waiting    chan struct{} // has a token while refusals or suppressed lines wait to be recorded
}

// New returns the way in to a loop. Run it while it is used.
func New(o Options) *Intake {
	if o.Now == nil {
		o.Now = time.Now
	}
	in := &Intake{
		loop: o.Loop, authorizer: o.Authorizer, mesh: o.Mesh, node: o.Node, capacity: o.Capacity, limiter: newAuditLimiter(o.Records, o.Taken),
		lines: lines{now: o.Now}, waiting: make(chan struct{}, 1),
	}
	in.refusals = refusals{now: o.Now, record: func(verdict mesh.JudgedCommit) bool {
		return (o.RefusalRoom == nil || o.RefusalRoom()) && in.recordRefusal(verdict)
	}}
	return in
}

// Run records what waits to be recorded of refusals and suppressed lines, until ctx ends.
func (in *Intake) Run(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for ctx.Err() == nil {
		select {
		case <-in.waiting:
		case <-ctx.Done():
			in.record(true)
			return
		}
		pause.Reset(refusalEvery)
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		in.record(ctx.Err() != nil)
	}
}

// recordWithin bounds how long a loop that ends can hold up the records of refusals.
const recordWithin = 100 * time.Millisecond

// record records what is due of refusals and suppressed lines, or all that is left.
func (in *Intake) record(atOnce bool) {
	if !in.refusals.recordAll(atOnce) {
		in.wake()
	}
	reports, more := in.lines.takeReports(atOnce)
	if more {
		in.wake()
	}
	if len(reports) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), recordWithin)
		defer cancel()
		_, _ = in.loop.PublishBatch(ctx, reports) // fails when the loop ends, and its log with it
	}
}

// wake has Run look after a while.
func (in *Intake) wake() {
	select {
	case in.waiting <- struct{}{}:
	default:
	}
}

// recordRefusal folds the record of a refusal if that needs no waiting for room: whoever
// brings what is refused must not hold up those whose commands are not.
func (in *Intake) recordRefusal(verdict mesh.JudgedCommit) bool {
	release, ok := in.limiter.tryAcquire()
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordWithin)
	defer cancel()
	record, err := in.loop.Judged(ctx, verdict)
	release(record.Seq)
	return err == nil
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
