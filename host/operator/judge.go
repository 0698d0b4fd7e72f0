package operator

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
)

// Judge returns the verdict on a command that came from an origin, such as "api"; each
// origin has a rate limit of its own. What
// must not be forgotten of one that is accepted is on disk when it returns, so the
// verdict has to be folded now; Settled is to be called afterwards. It waits for the
// disk, and for nobody else.
func (a *Authorizer) Judge(origin string, signed wire.Signed) mesh.JudgedCommit {
	now := a.opts.Now()
	command, rejection := Decode(signed.Payload)
	out := mesh.JudgedCommit{Event: command.Event, CommitID: CommitID(signed.Payload)}
	set := a.signers()
	switch {
	case set == nil && command.Event != nil:
		out.Operators, _, _ = Verify(nil, signed.Payload, signed.Signatures, now)
		out.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
		if rejection = a.checkAuditFull(command.Event); rejection == nil {
			a.unverified(command.Event, now)
		}
	case rejection == nil:
		out.Operators, rejection = a.verify(set, origin, command, signed, now)
		out.Outcome = mesh.Verification{Verdict: mesh.VerdictAccepted}
	}
	if rejection != nil {
		if out.Operators == nil {
			out.Operators, _ = claims(set, some(signed.Signatures), now)
		}
		out.Outcome = rejection.outcome()
	}
	if out.Outcome.Verdict == mesh.VerdictAccepted {
		// Kept with the record, so that it can be checked again without this node.
		out.Envelope = &mesh.Envelope{Payload: signed.Payload, Signatures: signed.Signatures}
	}
	out.Operators = named(out.Operators)
	a.count(out.Outcome)
	return out
}

func (a *Authorizer) signers() *signers.Set {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.set
}

// verify makes the checks 3 to 14, cheap ones first, and uses up the nonce.
func (a *Authorizer) verify(
	set *signers.Set, origin string, c Command, signed wire.Signed, now time.Time,
) ([]mesh.Operator, *Rejection) {
	if rejection := a.cheap(origin, c, len(signed.Signatures), now); rejection != nil {
		return nil, rejection
	}
	operators, persons, rejection := Verify(set, signed.Payload, signed.Signatures, now)
	if rejection != nil {
		return operators, rejection
	}
	if need := a.opts.Policy.Threshold(c.Event); persons < need {
		return operators, reject(KindInsufficient, "%s needs signatures of %d different operators, got %d", c.Event.Kind(), need, persons)
	}
	return operators, a.accept(c, now)
}

// cheap makes the checks that come before cryptography, and takes the tokens for it.
func (a *Authorizer) cheap(origin string, c Command, signatures int, now time.Time) *Rejection {
	p := a.opts.Policy
	if rejection := p.checkEnvelope(c, now); rejection != nil {
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
	if rejection := p.checkCount(c.Event, signatures); rejection != nil {
		return rejection
	}
	if !a.limiter(origin).AllowN(now, min(signatures, verifiesAtOnce)) {
		return reject(KindRateLimited, "more than %d signatures a second came from %q; send the command again in a moment", verifiesPerSecond, origin)
	}
	return nil
}

// accept uses up the nonce and arms the cooldown, in one step, and waits until that
// is on disk.
func (a *Authorizer) accept(c Command, now time.Time) *Rejection {
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
	e := a.opts.Policy.accepted(c, now)
	err := a.keep(e, now) // unlocks
	if err == nil {
		return nil
	}
	a.opts.Log.Error("an accepted command can't be remembered", "command", c.Event.Kind(), "error", err)
	if _, thaw := c.Event.(mesh.ThawCluster); thaw {
		return nil // ending a freeze must work on the worst day; it is remembered until the process ends
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory.drop(e)
	a.unsettle(e, -1)
	return reject(KindStoreUnavailable, "the node can't write down that it accepts the command, and takes no others than thaw_cluster until it can: %v", err)
}

// unverified takes in a command of a node without operators: only the freeze is
// remembered. One that the core will reject leaves no trace.
func (a *Authorizer) unverified(ev mesh.AdminEvent, now time.Time) {
	f := freezeOf(ev, now)
	if f == nil || checkFreeze(ev) != "" {
		return
	}
	a.mu.Lock()
	if err := a.keep(entry{Freeze: f}, now); err != nil {
		a.opts.Log.Error("the freeze can't be written down: it is forgotten at a restart", "error", err)
	}
}

// RefuseUnsigned gives the verdict on an unsigned command that the core would carry
// out, if its record might find no place; ok is false where nothing speaks against it.
func (a *Authorizer) RefuseUnsigned(ev mesh.AdminEvent) (verdict mesh.JudgedCommit, ok bool) {
	rejection := a.checkAuditFull(ev)
	if rejection == nil {
		return mesh.JudgedCommit{}, false
	}
	verdict = mesh.JudgedCommit{Event: ev, Outcome: rejection.outcome()}
	a.count(verdict.Outcome)
	return verdict, true
}

// checkAuditFull refuses ordinary commands whose record might find no place.
func (a *Authorizer) checkAuditFull(ev mesh.AdminEvent) *Rejection {
	if a.opts.AuditFull == nil || !a.opts.AuditFull() {
		return nil
	}
	if !ev.BreakGlass() {
		return reject(KindAuditFull, "the audit records take as much of the disk as they may, or can't be written: make room on the disk, raise records.audit_limit, or stop the node and move the folder of its audit records away")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[CountPassedFull]++
	return nil
}

// keep remembers an entry and waits until it is on disk. It is called with mu held,
// and gives it back.
func (a *Authorizer) keep(e entry, now time.Time) error {
	a.prune(now)
	a.memory.take(e)
	a.unsettle(e, 1)
	b, first := a.store.enter(e)
	a.mu.Unlock()
	return a.store.write(b, first)
}

// prune tidies the memory up, once a second at most and whenever the clock was set
// back. It is called with mu held.
func (a *Authorizer) prune(now time.Time) {
	if now.Sub(a.pruned) > time.Second || now.Before(a.pruned) {
		a.memory.prune(a.opts.Policy, now)
		a.pruned = now
	}
}

// unsettle counts the commits that change the freeze and are not folded yet.
func (a *Authorizer) unsettle(e entry, by int) {
	if e.Freeze != nil {
		a.underWay += by
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
