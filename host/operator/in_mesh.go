package operator

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
)

// Commanded says that the node belongs to a mesh, who commands that and by which rules; a nil
// set means that anybody does. The node's own file of signers does not count from then on.
func (a *Authorizer) Commanded(policy rules.Policy, set *signers.Set) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inMesh, a.policy, a.set, a.unread = true, policy, set, nil
}

func (a *Authorizer) inMeshNow() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inMesh
}

// Vouch checks what only this node can of a command that is to be ordered in the log of the
// mesh: that the node showed what a break-glass command would do, that its origin does not send
// too much, and that the audit log has room. What else is to be checked, the log checks. The
// verdict says what the command is; it uses nothing up.
func (a *Authorizer) Vouch(origin string, signed wire.Signed) (verdict mesh.JudgedCommit, command rules.Command) {
	now := a.opts.Now()
	command, rejection := rules.Decode(signed.Payload)
	verdict = mesh.JudgedCommit{
		Event: command.Event, CommitID: rules.CommitID(signed.Payload), Reason: command.Reason,
		Operators: rules.Identified(rules.Claimed(a.signers(), signed.Signatures, now)),
		Outcome:   mesh.Verification{Verdict: mesh.VerdictAccepted},
	}
	if rejection == nil {
		rejection = a.vouch(origin, command, len(signed.Signatures))
	}
	if rejection == nil {
		rejection = a.checkAuditFull(command.Event)
	}
	if rejection != nil {
		verdict.Outcome = rejection.Outcome()
		a.count(verdict.Outcome)
	}
	return verdict, command
}

func (a *Authorizer) vouch(origin string, c rules.Command, signatures int) *rules.Rejection {
	now := a.opts.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set == nil {
		return nil
	}
	if len(c.BlastHash) != 0 {
		if rejection := a.issued.check(c, a.policy.Freshness, now); rejection != nil {
			return rejection
		}
	}
	if l := a.limiter(origin); !l.AllowN(now, min(signatures, l.Burst())) {
		return rules.Reject(rules.KindRateLimited, "more than %.0f signatures a second came from %q; send the command again in a moment", l.Limit(), origin)
	}
	return nil
}

// checkOnlyOn rejects a command that is for the door of another node.
func (a *Authorizer) checkOnlyOn(c rules.Command) *rules.Rejection {
	if c.OnlyOn == 0 || c.OnlyOn == a.opts.Node {
		return nil
	}
	return rules.Reject(rules.KindOnlyOn, "the command is for node %d alone, and this is node %d; send it to that node", c.OnlyOn, a.opts.Node)
}
