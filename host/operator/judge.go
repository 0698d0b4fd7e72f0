package operator

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
)

// Judge returns the verdict on a command that came from an origin, such as "api"; each
// origin has a rate limit of its own.
//
// When Judge accepts a command, its nonce is used up on disk. So the caller must pass
// every verdict to the loop, which folds it into the state, and then call Settled. Judge
// waits for the disk and for nothing else.
func (a *Authorizer) Judge(origin string, signed wire.Signed) mesh.JudgedCommit {
	now := a.opts.Now()
	command, rejection := rules.Decode(signed.Payload)
	out := mesh.JudgedCommit{Event: command.Event, CommitID: rules.CommitID(signed.Payload), Reason: command.Reason}
	set := a.signers()
	if rejection == nil {
		rejection = a.checkUnread()
	}
	switch {
	case set == nil && command.Event != nil:
		out.Operators, _, _ = rules.Verify(nil, signed.Payload, signed.Signatures, now)
		out.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
		if rejection = a.checkOnlyOn(command); rejection == nil {
			rejection = a.checkAuditFull(command.Event)
		}
		if rejection == nil {
			a.unverified(command.Event, now)
		}
	case rejection == nil:
		out.Operators, rejection = a.verify(set, origin, command, signed, now)
		out.Outcome = mesh.Verification{Verdict: mesh.VerdictAccepted}
	}
	if rejection != nil {
		if out.Operators == nil {
			out.Operators = rules.Claimed(set, signed.Signatures, now)
		}
		out.Outcome = rejection.Outcome()
	}
	if out.Outcome.Verdict == mesh.VerdictAccepted {
		// The audit record holds the envelope, so that it can be verified without this node.
		out.Envelope = &mesh.Envelope{Payload: signed.Payload, Signatures: signed.Signatures}
	}
	out.Operators = rules.Identified(out.Operators)
	a.count(out.Outcome)
	return out
}

func (a *Authorizer) signers() *signers.Set {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.set
}

// verify makes the checks 3 to 14 and uses up the nonce.
func (a *Authorizer) verify(
	set *signers.Set, origin string, c rules.Command, signed wire.Signed, now time.Time,
) ([]mesh.Operator, *rules.Rejection) {
	if rejection := a.precheck(origin, c, len(signed.Signatures), now); rejection != nil {
		return nil, rejection
	}
	operators, persons, rejection := rules.Verify(set, signed.Payload, signed.Signatures, now)
	if rejection != nil {
		return operators, rejection
	}
	if need := a.rules().Threshold(c.Event); persons < need {
		return operators, rules.Reject(rules.KindInsufficient, "%s needs signatures of %d different operators, got %d", c.Event.Kind(), need, persons)
	}
	return operators, a.accept(c, now)
}

// precheck makes the checks 3 to 9, which come before cryptography.
func (a *Authorizer) precheck(origin string, c rules.Command, signatures int, now time.Time) *rules.Rejection {
	p := a.rules()
	if rejection := p.CheckEnvelope(c, now); rejection != nil {
		return rejection
	}
	if rejection := a.checkOnlyOn(c); rejection != nil {
		return rejection
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if rejection := a.memory.checkNonce(c); rejection != nil {
		return rejection
	}
	if rejection := a.issued.check(c, p.Freshness, now); rejection != nil {
		return rejection
	}
	if rejection := p.CheckCount(c.Event, signatures); rejection != nil {
		return rejection
	}
	if l := a.limiter(origin); !l.AllowN(now, min(signatures, l.Burst())) {
		return rules.Reject(rules.KindRateLimited, "more than %.0f signatures a second came from %q; send the command again in a moment", l.Limit(), origin)
	}
	return nil
}

// accept makes the checks 12 to 14. It uses up the nonce and starts the cooldown in one
// step, and waits until both are on disk.
func (a *Authorizer) accept(c rules.Command, now time.Time) *rules.Rejection {
	full := a.checkAuditFull(c.Event)
	a.mu.Lock()
	a.prune(now)
	rejection := a.memory.checkCooldown(c.Event, now)
	if rejection == nil {
		rejection = full
	}
	if rejection == nil {
		rejection = a.memory.checkNonce(c)
	}
	if rejection != nil {
		a.mu.Unlock()
		return rejection
	}
	e := accepted(a.policy, c, now)
	err := a.keep(e, now) // unlocks mu
	if err == nil {
		return nil
	}
	a.opts.Log.Error("an accepted command can't be written to disk", "command", c.Event.Kind(), "error", err)
	if _, thaw := c.Event.(mesh.ThawCluster); thaw {
		return nil // a freeze can always be ended; the thaw is remembered in memory
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory.drop(e)
	a.countInFlight(e, -1)
	return rules.Reject(rules.KindStoreUnavailable, "the node can't write to disk that it accepts the command; until it can, it accepts only thaw_cluster: %v", err)
}

// unverified remembers what a command does to the freeze of a node without operators,
// and nothing else. A freeze that the core will reject is not remembered.
func (a *Authorizer) unverified(ev mesh.AdminEvent, now time.Time) {
	f := freezeOf(ev, now)
	if f == nil || rules.CheckFreeze(ev) != "" {
		return
	}
	a.mu.Lock()
	if err := a.keep(entry{Freeze: f}, now); err != nil {
		a.opts.Log.Error("the freeze can't be written to disk: a restart forgets it", "error", err)
	}
}

// RefuseUnsigned returns the verdict on an order without a signature if it is refused:
// because there are operators, or because it is a command and the audit log is full.
func (a *Authorizer) RefuseUnsigned(order mesh.Event) (verdict mesh.Verification, refused bool) {
	rejection := a.checkUnsigned(order)
	if command, is := order.(mesh.AdminReceived); is && rejection == nil {
		rejection = a.checkAuditFull(command.Event)
	}
	if rejection == nil {
		return mesh.Verification{}, false
	}
	verdict = rejection.Outcome()
	a.count(verdict)
	return verdict, true
}

// checkUnsigned refuses what operators would have to sign. AllowUnsigned lets ordinary
// orders pass.
func (a *Authorizer) checkUnsigned(order mesh.Event) *rules.Rejection {
	if !a.HasOperators() {
		return nil
	}
	if rejection := a.checkUnread(); rejection != nil {
		return rejection
	}
	if _, is := order.(mesh.MaintenanceObserved); is {
		return rules.Reject(mesh.RejectUnsigned, "operators are configured, so this node's maintenance is theirs to command: sign enter_maintenance or exit_maintenance")
	}
	command, is := order.(mesh.AdminReceived)
	switch {
	case is && command.Event.BreakGlass() && a.opts.AllowUnsigned:
		return rules.Reject(mesh.RejectUnsigned, "operators are configured, so the command must be signed: allow_unsigned is not for break-glass commands")
	case a.opts.AllowUnsigned:
		return nil
	case is:
		return rules.Reject(mesh.RejectUnsigned, "operators are configured, so the command must be signed")
	}
	return rules.Reject(mesh.RejectUnsigned, "operators are configured, so the order must be signed: sign %s instead", signedForm(order))
}

// signedForm returns the command that operators sign in place of an order.
func signedForm(order mesh.Event) string {
	switch order.(type) {
	case mesh.DaemonIntent:
		return mesh.SetDaemonIntent{}.Kind()
	case mesh.PlacementIntent:
		return mesh.SetPlacement{}.Kind()
	case mesh.LocalReplicaIntent:
		return mesh.SetLocalReplica{}.Kind()
	}
	return mesh.StopNode{}.Kind()
}

// checkAuditFull refuses ordinary commands while the audit log is full, and counts the
// others.
func (a *Authorizer) checkAuditFull(ev mesh.AdminEvent) *rules.Rejection {
	if a.opts.AuditFull == nil || !a.opts.AuditFull() {
		return nil
	}
	if !ev.BreakGlass() {
		return rules.Reject(rules.KindAuditFull, "the audit records use all the disk space that they may, or can't be written: free space on the disk, raise records.audit_limit and restart the node, or stop the node and move the folder of its audit records away")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[CountPassedFull]++
	return nil
}

// keep remembers an entry and waits until it is on disk. The caller holds mu; keep
// unlocks it.
func (a *Authorizer) keep(e entry, now time.Time) error {
	a.prune(now)
	a.memory.take(e)
	a.countInFlight(e, 1)
	b, first := a.store.enter(e)
	a.mu.Unlock()
	return a.store.write(b, first)
}

// prune prunes the memory, at most once a second, and whenever the clock was set back.
// The caller holds mu.
func (a *Authorizer) prune(now time.Time) {
	if now.Sub(a.pruned) > time.Second || now.Before(a.pruned) {
		a.memory.prune(a.policy, now)
		a.pruned = now
	}
}

// countInFlight counts the commits that change the freeze and are not folded yet. The
// caller holds mu.
func (a *Authorizer) countInFlight(e entry, by int) {
	if e.Freeze != nil {
		a.inFlight += by
	}
}

func (a *Authorizer) count(v mesh.Verification) {
	kind := v.Kind
	switch v.Verdict {
	case mesh.VerdictAccepted:
		kind = "accepted"
	case mesh.VerdictUnverified:
		kind = "unverified"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[kind]++
}
