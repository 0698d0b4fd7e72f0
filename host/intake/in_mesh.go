package intake

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
)

// Mesh orders commands for all nodes of a mesh; *meshlog.Log is one.
type Mesh interface {
	// Active reports whether the node has the log of a mesh: then commands go through it.
	Active() bool
	// Commit and Unsigned order a command and return the audit record that it left here. The
	// error is a *rules.Rejection if nothing was ordered.
	Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error)
	Unsigned(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error)
	// Recover orders what the seeds signed.
	Recover(ctx context.Context, signed wire.Recovery) (mesh.AuditRecord, error)
}

// ordersInMesh reports whether commands are ordered in the log of a mesh.
func (in *Intake) ordersInMesh() bool { return in.mesh != nil && in.mesh.Active() }

// FoldLogged brings a verdict of the log of the mesh to the loop, once there is room for its
// audit record, and returns that.
func (in *Intake) FoldLogged(ctx context.Context, verdict mesh.JudgedCommit) (mesh.AuditRecord, error) {
	return in.audited(ctx, func() (mesh.AuditRecord, error) { return in.loop.Judged(ctx, verdict) })
}

// commitInMesh orders a signed command in the log of the mesh. What this node alone can judge
// is judged before.
func (c Client) commitInMesh(ctx context.Context, verdict mesh.JudgedCommit, signed wire.Signed) (mesh.AuditRecord, error) {
	if verdict.Outcome.Verdict == mesh.VerdictRejected {
		return c.refused(ctx, verdict)
	}
	record, err := c.in.mesh.Commit(context.WithoutCancel(ctx), signed)
	var rejection *rules.Rejection
	if errors.As(err, &rejection) {
		verdict.Outcome = rejection.Outcome()
		return c.refused(ctx, verdict)
	}
	return record, err
}

// Recover orders what the seeds of the mesh signed to replace who commands it, and returns the
// audit record that it left.
func (c Client) Recover(ctx context.Context, signed wire.Recovery) (mesh.AuditRecord, error) {
	command, reason, err := signed.Command()
	verdict := mesh.JudgedCommit{Event: command, Reason: reason}
	if err == nil && c.in.ordersInMesh() {
		var record mesh.AuditRecord
		record, err = c.in.mesh.Recover(context.WithoutCancel(ctx), signed)
		var rejection *rules.Rejection
		if !errors.As(err, &rejection) {
			return record, err
		}
		verdict.Outcome = rejection.Outcome()
		return c.refused(ctx, verdict)
	}
	why := "this node belongs to no mesh"
	if err != nil {
		why = err.Error()
	}
	verdict.Outcome = rules.Reject(mesh.RejectMalformed, "%s", why).Outcome()
	return c.refused(ctx, verdict)
}

// refused has a command audited that was not ordered.
func (c Client) refused(ctx context.Context, verdict mesh.JudgedCommit) (mesh.AuditRecord, error) {
	if c.from.Grant == nil {
		return c.in.audited(ctx, func() (mesh.AuditRecord, error) { return c.in.fold(ctx, verdict) })
	}
	verdict.Refusal = &mesh.Refusal{}
	if c.in.refusals.add(c.from.Name, verdict.Outcome.Kind, verdict) {
		c.in.wake()
	}
	return mesh.AuditRecord{Event: verdict.Event, Operators: verdict.Operators, Outcome: verdict.Outcome, CommitID: verdict.CommitID}, nil
}

// unsignedInMesh orders a command without a signature in the log of the mesh. What was not
// ordered is refused, also if its record is late.
func (in *Intake) unsignedInMesh(ctx context.Context, command mesh.AdminReceived) (mesh.AuditRecord, error) {
	record, err := in.mesh.Unsigned(context.WithoutCancel(ctx), command)
	var rejection *rules.Rejection
	if !errors.As(err, &rejection) {
		return record, err
	}
	verdict := mesh.JudgedCommit{Event: command.Event, Reason: command.Reason, Outcome: rejection.Outcome()}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), foldWithin) // the mesh may have used the caller's time up
	defer cancel()
	record, err = in.audited(ctx, func() (mesh.AuditRecord, error) { return in.fold(ctx, verdict) })
	if err != nil {
		return mesh.AuditRecord{Event: command.Event, Reason: command.Reason, Outcome: verdict.Outcome}, nil
	}
	return record, nil
}
