package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Bounds of the wait after an action failed.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// ledger remembers what was handed out, so that nothing is asked for twice: a
// key is outstanding until its final outcome, then quiet for a while.
type ledger struct {
	lastID  mesh.ActionID
	entries map[mesh.ActionKey]*ledgerEntry
	byID    map[mesh.ActionID]mesh.ActionKey
}

type ledgerEntry struct {
	phase   ledgerPhase
	emitted mesh.Emitted
	heard   mesh.Time    // when it was handed out or last said to be retried
	until   mesh.Time    // quiet until then
	gone    bool         // the replica that it takes was heard to be gone
	forced  *ForcedOrder // that it carries out; nil for none
	backoff time.Duration
	reason  string // of the last failure
}

type ledgerPhase uint8

const (
	outstanding ledgerPhase = iota // handed out, no final outcome yet
	settling                       // succeeded a moment ago
	waiting                        // failed, may be asked for again later
)

func newLedger() ledger {
	return ledger{
		entries: make(map[mesh.ActionKey]*ledgerEntry),
		byID:    make(map[mesh.ActionID]mesh.ActionKey),
	}
}

// Ready says whether an action of this key may be handed out now.
func (s *State) Ready(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e == nil || (e.phase != outstanding && s.now >= e.until)
}

// Outstanding says whether an action of this key was handed out and has not
// ended.
func (s *State) Outstanding(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e != nil && e.phase == outstanding
}

// KeyStatus is what became of the last action of a key, for explanations.
type KeyStatus struct {
	ID          mesh.ActionID
	Outstanding bool          // handed out, and not ended yet
	Since       time.Duration // since it was handed out
	Quiet       time.Duration // until it may be handed out again; 0 for now
	Failed      string        // why it failed; empty for one that did not
}

// Status says what became of the last action of a key; ok is false when the key
// is not remembered.
func (s *State) Status(key mesh.ActionKey) (st KeyStatus, ok bool) {
	e := s.ledger.entries[key]
	if e == nil {
		return KeyStatus{}, false
	}
	st = KeyStatus{ID: e.emitted.ID, Outstanding: e.phase == outstanding, Since: s.now.Since(e.emitted.At)}
	if e.phase != outstanding {
		st.Quiet = s.now.Until(e.until)
	}
	if e.phase == waiting {
		st.Failed = e.reason
	}
	return st, true
}

// HandOut gives an action its id and remembers it. Only here is written what
// counts for handed-out actions only, such as a daemon's Starting.
func (s *State) HandOut(a mesh.Action) mesh.Emitted {
	s.ledger.lastID++
	out := mesh.Emitted{ID: s.ledger.lastID, Action: a, At: s.now}
	e := s.ledger.entries[a.Key()]
	if e == nil {
		e = &ledgerEntry{}
		s.ledger.entries[a.Key()] = e
	}
	e.phase, e.emitted, e.heard, e.gone, e.forced = outstanding, out, s.now, false, nil
	s.ledger.byID[out.ID] = a.Key()
	s.emitted.push(out)
	switch a := a.(type) {
	case mesh.StartDaemon:
		d := s.daemonNamed(a.Daemon)
		d.startedAt = s.now
		s.move(d, Starting)
	case mesh.StopDaemon:
		d := s.daemonNamed(a.Daemon)
		if d.Lifecycle != Stopping {
			d.before = d.Lifecycle
		}
		d.stoppedAt, d.StopAsked, d.StopDeadline = s.now, true, a.Deadline
		s.move(d, Stopping)
	case mesh.RequestEviction:
		s.moved(a.Chain)
		s.taking(a.Chain)
	case mesh.DropReplica:
		s.taking(a.Chain)
	}
	return out
}

// Forget drops the keys whose reason is gone: those that are not wanted any
// more, unless they are outstanding or settling. A frozen pass wants nothing, which
// says nothing of the reasons.
func (s *State) Forget(wanted map[mesh.ActionKey]bool) {
	if _, frozen := s.Frozen(); frozen {
		return
	}
	for key, e := range s.ledger.entries {
		if wanted[key] || e.phase == outstanding || (e.phase == settling && s.now < e.until) {
			continue
		}
		delete(s.ledger.entries, key)
		if key.Kind == mesh.KindStopDaemon {
			if d := s.daemons.get(mesh.DaemonID(key.Subject)); d != nil && d.Lifecycle != Stopping {
				d.StopAsked = false
			}
		}
	}
}

// ended folds the outcome of an action. One that is not outstanding any more was
// given up before; its outcome comes too late to count.
func (s *State) ended(in mesh.Outcome) {
	key, known := s.ledger.byID[in.ID]
	if !known {
		return
	}
	e := s.ledger.entries[key]
	if !in.Final {
		e.heard = s.now
		return
	}
	switch {
	case in.OK:
		s.succeeded(e)
	case in.Reason == mesh.ReasonNotWanted:
		s.withdrawn(e, in)
	default:
		s.failed(e, in)
	}
}

// withdrawn folds that an action was not carried out because its reason was gone:
// nothing went wrong, and it may be asked for again at once.
func (s *State) withdrawn(e *ledgerEntry, in mesh.Outcome) {
	delete(s.ledger.byID, e.emitted.ID)
	delete(s.ledger.entries, e.emitted.Action.Key())
	s.recordAction(e.emitted, mesh.ActionFailed, in)
	if e.forced != nil && s.unmet(*e.forced) {
		s.fail(e.forced.source(), fmt.Sprintf("withdrawn before it was tried again: %s", in.Reason))
	}
	s.fallBack(e.emitted.Action)
}

// withdraw ends an action that is out, if there is one of the key: its outcome will
// come too late to count.
func (s *State) withdraw(key mesh.ActionKey, reason string) {
	if e := s.ledger.entries[key]; e != nil && e.phase == outstanding {
		s.withdrawn(e, mesh.Outcome{Reason: reason})
	}
}

func (s *State) succeeded(e *ledgerEntry) {
	delete(s.ledger.byID, e.emitted.ID)
	e.phase, e.until, e.backoff = settling, s.now.Add(s.policy.Settle), 0
	s.recordAction(e.emitted, mesh.ActionDispatched, mesh.Outcome{})
	switch a := e.emitted.Action.(type) {
	case mesh.MarkAvoid:
		s.avoidPeer(a.Peer, a.Reason, a.TTL)
	case mesh.ApplyBackoff:
		if d := s.daemons.get(a.Daemon.ID); d != nil {
			d.AppliedBackoff = a.Until
		}
	case mesh.CommitTransition:
		s.committed(a)
	}
}

func (s *State) failed(e *ledgerEntry, in mesh.Outcome) {
	delete(s.ledger.byID, e.emitted.ID)
	e.backoff = min(max(2*e.backoff, firstRetry), lastRetry)
	e.reason = cmp.Or(in.Reason, "it failed, and nobody said why")
	e.phase, e.until = waiting, s.now.Add(e.backoff)
	end := mesh.ActionFailed
	if in.Gated {
		end = mesh.ActionGated
	}
	s.recordAction(e.emitted, end, in)
	s.fail(fmt.Sprintf("action:%d", e.emitted.ID), describe(e.emitted.Action)+": "+e.reason)
	s.fallBack(e.emitted.Action)
}

// fallBack takes back what handing an action out made of a daemon.
func (s *State) fallBack(a mesh.Action) {
	switch a := a.(type) {
	case mesh.StartDaemon:
		d := s.daemons.get(a.Daemon.ID)
		switch {
		case d == nil:
		case d.Lifecycle == Starting:
			s.move(d, Stopped)
		case d.Lifecycle == Stopping && d.before == Starting:
			d.before = Stopped // there is nothing to fall back to should the stop fail too
		}
	case mesh.StopDaemon:
		if d := s.daemons.get(a.Daemon.ID); d != nil && d.Lifecycle == Stopping {
			s.move(d, d.before)
		}
	}
}

// tickLedger gives up the actions whose outcome never came.
func (s *State) tickLedger() {
	var late []*ledgerEntry
	for _, e := range s.ledger.entries {
		if e.phase == outstanding && s.now.Sub(e.heard) >= s.policy.ActionTimeout {
			late = append(late, e)
		}
	}
	sortByID(late)
	for _, e := range late {
		s.failed(e, mesh.Outcome{Reason: fmt.Sprintf("no outcome within %s", s.policy.ActionTimeout)})
	}
}

// sortByID puts entries in the order they were handed out, since a map has none.
func sortByID(entries []*ledgerEntry) {
	slices.SortFunc(entries, func(a, b *ledgerEntry) int { return cmp.Compare(a.emitted.ID, b.emitted.ID) })
}
