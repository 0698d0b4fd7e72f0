package operator

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
)

// Judge gives the verdict on a command that came in by a door, such as "api". What
// must not be forgotten of one that is accepted is on disk when it returns, so the
// verdict has to be folded now; Settled is to be called afterwards. It waits for the
// disk, and for nobody else.
func (r *Room) Judge(door string, signed wire.Signed) mesh.JudgedCommit {
	now := r.opts.Now()
	command, rejection := Decode(signed.Payload)
	out := mesh.JudgedCommit{Event: command.Event, CommitID: CommitID(signed.Payload)}
	set := r.signers()
	switch {
	case set == nil && command.Event != nil:
		out.Operators, _, _ = Verify(nil, signed.Payload, signed.Signatures, now)
		out.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
		if rejection = r.checkAuditFull(command.Event); rejection == nil {
			r.unverified(command.Event, now)
		}
	case rejection == nil:
		out.Operators, rejection = r.verify(set, door, command, signed, now)
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
	r.count(out.Outcome)
	return out
}

func (r *Room) signers() *signers.Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set
}

// verify makes the checks 3 to 14, cheap ones first, and uses up the nonce.
func (r *Room) verify(
	set *signers.Set, door string, c Command, signed wire.Signed, now time.Time,
) ([]mesh.Operator, *Rejection) {
	if rejection := r.cheap(door, c, len(signed.Signatures), now); rejection != nil {
		return nil, rejection
	}
	operators, persons, rejection := Verify(set, signed.Payload, signed.Signatures, now)
	if rejection != nil {
		return operators, rejection
	}
	if need := r.opts.Policy.Threshold(c.Event); persons < need {
		return operators, reject(KindInsufficient, "%s needs signatures of %d different operators, got %d", c.Event.Kind(), need, persons)
	}
	return operators, r.accept(c, now)
}

// cheap makes the checks that come before cryptography, and takes the tokens for it.
func (r *Room) cheap(door string, c Command, signatures int, now time.Time) *Rejection {
	p := r.opts.Policy
	if rejection := p.checkEnvelope(c, now); rejection != nil {
		return rejection
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rejection := r.memory.checkNonce(c); rejection != nil {
		return rejection
	}
	if rejection := r.issued.check(c, p.Freshness, now); rejection != nil {
		return rejection
	}
	if rejection := p.checkCount(c.Event, signatures); rejection != nil {
		return rejection
	}
	if !r.limiter(door).AllowN(now, min(signatures, verifiesAtOnce)) {
		return reject(KindRateLimited, "more than %d signatures a second came in by this door; send the command again in a moment", verifiesPerSecond)
	}
	return nil
}

// accept uses up the nonce and arms the cooldown, in one step, and waits until that
// is on disk.
func (r *Room) accept(c Command, now time.Time) *Rejection {
	full := r.checkAuditFull(c.Event)
	r.mu.Lock()
	r.prune(now)
	rejection := r.memory.checkCooldown(c.Event, now)
	if rejection == nil {
		rejection = full
	}
	if rejection == nil {
		rejection = r.memory.checkNonce(c)
	}
	if rejection != nil {
		r.mu.Unlock()
		return rejection
	}
	e := r.opts.Policy.accepted(c, now)
	err := r.keep(e, now) // unlocks
	if err == nil {
		return nil
	}
	r.opts.Log.Error("an accepted command can't be remembered", "command", c.Event.Kind(), "error", err)
	if _, thaw := c.Event.(mesh.ThawCluster); thaw {
		return nil // ending a freeze must work on the worst day; it is remembered until the process ends
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memory.drop(e)
	r.unsettle(e, -1)
	return reject(KindStoreUnavailable, "the node can't write down that it accepts the command, and takes no others than thaw_cluster until it can: %v", err)
}

// unverified takes in a command of a node without operators: only the freeze is
// remembered. One that the core will reject leaves no trace.
func (r *Room) unverified(ev mesh.AdminEvent, now time.Time) {
	f := freezeOf(ev, now)
	if f == nil || checkFreeze(ev) != "" {
		return
	}
	r.mu.Lock()
	if err := r.keep(entry{Freeze: f}, now); err != nil {
		r.opts.Log.Error("the freeze can't be written down: it is forgotten at a restart", "error", err)
	}
}

// RefuseUnsigned gives the verdict on an unsigned command that the core would carry
// out, if its record might find no place; ok is false where nothing speaks against it.
func (r *Room) RefuseUnsigned(ev mesh.AdminEvent) (verdict mesh.JudgedCommit, ok bool) {
	rejection := r.checkAuditFull(ev)
	if rejection == nil {
		return mesh.JudgedCommit{}, false
	}
	verdict = mesh.JudgedCommit{Event: ev, Outcome: rejection.outcome()}
	r.count(verdict.Outcome)
	return verdict, true
}

// checkAuditFull refuses ordinary commands whose record might find no place.
func (r *Room) checkAuditFull(ev mesh.AdminEvent) *Rejection {
	if r.opts.AuditFull == nil || !r.opts.AuditFull() {
		return nil
	}
	if !ev.BreakGlass() {
		return reject(KindAuditFull, "the audit records take as much of the disk as they may, or can't be written: make room on the disk, raise records.audit_limit, or stop the node and move the folder of its audit records away")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[CountPassedFull]++
	return nil
}

// keep remembers an entry and waits until it is on disk. It is called with mu held,
// and gives it back.
func (r *Room) keep(e entry, now time.Time) error {
	r.prune(now)
	r.memory.take(e)
	r.unsettle(e, 1)
	b, first := r.store.enter(e)
	r.mu.Unlock()
	return r.store.write(b, first)
}

// prune tidies the memory up, once a second at most and whenever the clock was set
// back. It is called with mu held.
func (r *Room) prune(now time.Time) {
	if now.Sub(r.pruned) > time.Second || now.Before(r.pruned) {
		r.memory.prune(r.opts.Policy, now)
		r.pruned = now
	}
}

// unsettle counts the commits that change the freeze and are not folded yet.
func (r *Room) unsettle(e entry, by int) {
	if e.Freeze != nil {
		r.underWay += by
	}
}

func (r *Room) count(v mesh.Verification) {
	kind := v.Kind
	switch v.Verdict {
	case mesh.VerdictAccepted:
		kind = "accepted"
	case mesh.VerdictUnverified:
		kind = "unverified"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[kind]++
}
