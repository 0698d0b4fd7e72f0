package state

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/marks"
	"github.com/meshos/meshos/host/mesh"
)

// Bounds of the backoff after an action failed.
const (
	firstBackoff = time.Second
	maxBackoff   = time.Minute
)

// ledger remembers the actions that were handed out, so that none is handed out twice: a key
// is outstanding until its final outcome, and is then not handed out again for a while.
type ledger struct {
	lastID   mesh.ActionID
	entries  map[mesh.ActionKey]*ledgerEntry
	byID     map[mesh.ActionID]mesh.ActionKey // of the entries, by the action of each that was handed out last
	removals int                              // how many entries are about drops and evictions
	marks    marks.Lists[mesh.ActionID]
	woken    []mesh.ActionID // are due in this tick
}

type ledgerEntry struct {
	marks.Set
	phase   ledgerPhase
	emitted mesh.Emitted
	heard   mesh.Time    // when it was handed out, or the last outcome that was not final came
	until   mesh.Time    // it is not handed out again before
	met     bool         // what it is for was reported: the daemon started, the replica is gone …
	forced  *ForcedOrder // the order that it carries out; nil for none
	backoff time.Duration
	reason  string // of the last failure
}

type ledgerPhase uint8

const (
	outstanding ledgerPhase = iota // handed out, without a final outcome yet
	settling                       // succeeded a moment ago
	waiting                        // failed, and may be handed out again later
)

func newLedger() ledger {
	return ledger{
		entries: make(map[mesh.ActionKey]*ledgerEntry),
		byID:    make(map[mesh.ActionID]mesh.ActionKey),
	}
}

// Ready reports whether an action of this key may be handed out now.
func (s *State) Ready(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e == nil || (e.phase != outstanding && s.now >= e.until)
}

// Outstanding reports whether an action of this key was handed out and has not ended.
func (s *State) Outstanding(key mesh.ActionKey) bool {
	e := s.ledger.entries[key]
	return e != nil && e.phase == outstanding
}

// KeyStatus is the status of the last action of a key, for explanations.
type KeyStatus struct {
	Key         mesh.ActionKey
	ID          mesh.ActionID
	Outstanding bool          // it was handed out and has not ended
	Since       time.Duration // how long ago it was handed out
	Quiet       time.Duration // how long it is until it may be handed out again
	Failed      string        // why it failed; "" if it did not
}

// Ledger returns the keys that are remembered, by the order in which their last actions were
// handed out, with their status.
func (s *State) Ledger() []KeyStatus {
	var out []KeyStatus
	for _, id := range slices.Sorted(maps.Keys(s.ledger.byID)) {
		st, _ := s.Status(s.ledger.byID[id])
		out = append(out, st)
	}
	return out
}

// Status returns the status of the last action of a key; ok is false if the key is not
// remembered.
func (s *State) Status(key mesh.ActionKey) (st KeyStatus, ok bool) {
	e := s.ledger.entries[key]
	if e == nil {
		return KeyStatus{}, false
	}
	st = KeyStatus{Key: key, ID: e.emitted.ID, Outstanding: e.phase == outstanding, Since: s.now.Since(e.emitted.At)}
	if e.phase != outstanding {
		st.Quiet = s.now.Until(e.until)
	}
	if e.phase == waiting {
		st.Failed = e.reason
	}
	return st, true
}

// HandOut assigns an id to an action and remembers it. Everything that depends on an action
// being handed out, such as a daemon's Starting, is written here and nowhere else.
func (s *State) HandOut(a mesh.Action) mesh.Emitted {
	s.ledger.lastID++
	out := mesh.Emitted{ID: s.ledger.lastID, Action: a, At: s.now}
	key := a.Key()
	e := s.ledger.entries[key]
	if e == nil {
		e = &ledgerEntry{}
		s.ledger.entries[key] = e
		if removes(key) {
			s.ledger.removals++
		}
	} else {
		delete(s.ledger.byID, e.emitted.ID)
		e.Set = 0 // it is listed with the action before
	}
	e.phase, e.emitted, e.heard, e.met, e.forced = outstanding, out, s.now, false, nil
	s.ledger.byID[out.ID] = key
	s.touchSubject(key)
	s.dueAt(s.now.Add(s.policy.ActionTimeout), dueAction, uint64(out.ID))
	s.emitted.push(out)
	switch a := a.(type) {
	case mesh.StartDaemon:
		d := s.ensureDaemon(a.Daemon)
		d.startedAt = s.now
		s.setLifecycle(d, Starting)
	case mesh.StopDaemon:
		d := s.ensureDaemon(a.Daemon)
		if d.Lifecycle != Stopping {
			d.fallback = d.Lifecycle
		}
		d.stoppedAt, d.StopAsked, d.StopDeadline = s.now, true, a.Deadline
		s.dueAt(a.Deadline.Add(overdueAfter), dueDaemon, uint64(a.Daemon.ID)) // others wait for it no longer
		s.setLifecycle(d, Stopping)
	case mesh.AskReload:
		s.callHandedOut(a.Daemon)
	case mesh.SendSignal:
		s.callHandedOut(a.Daemon)
	case mesh.RequestEviction:
		s.startCooldown(a.Chain)
		s.noteRemoval(a.Chain)
	case mesh.DropReplica:
		s.noteRemoval(a.Chain)
	case mesh.TransferLeader:
		s.noteTransfer(a)
	}
	return out
}

// Forget forgets the keys that are not wanted any more, unless they are outstanding. A
// removal that settles is kept too: it is not wanted because it counts as done. Forget
// forgets none during a freeze: then no action is wanted, though the reasons are still there.
func (s *State) Forget(wanted func(mesh.ActionKey) bool) {
	for key := range s.ledger.entries {
		if !wanted(key) {
			s.ForgetKey(key)
		}
	}
}

// ForgetKey is Forget for one key that is not wanted any more.
func (s *State) ForgetKey(key mesh.ActionKey) {
	e := s.ledger.entries[key]
	if _, frozen := s.Frozen(); frozen || e == nil || e.phase == outstanding {
		return
	}
	if _, _, counted := s.removal(e); counted {
		return
	}
	s.forgetKey(key)
	if key.Kind == mesh.KindStopDaemon {
		if d := s.daemons.edit(mesh.DaemonID(key.Subject)); d != nil && d.Lifecycle != Stopping {
			d.StopAsked = false
		}
	}
}

// forgetKey removes the entry of a key.
func (s *State) forgetKey(key mesh.ActionKey) {
	e := s.ledger.entries[key]
	if e == nil {
		return
	}
	delete(s.ledger.byID, e.emitted.ID)
	delete(s.ledger.entries, key)
	if removes(key) {
		s.ledger.removals--
	}
	s.touchSubject(key)
}

// of returns the entry whose last action is id, or nil.
func (l *ledger) of(id mesh.ActionID) *ledgerEntry {
	if key, known := l.byID[id]; known {
		return l.entries[key]
	}
	return nil
}

// touchKey notes that an entry changed, or that its key may be handed out again.
func (s *State) touchKey(e *ledgerEntry) {
	s.ledger.marks.Touch(e.emitted.ID, &e.Set, len(s.ledger.entries))
	s.touchSubject(e.emitted.Action.Key())
}

// KeyOf returns the key of an action, if the ledger remembers it and it is the last one of
// its key.
func (s *State) KeyOf(id mesh.ActionID) (mesh.ActionKey, bool) {
	key, ok := s.ledger.byID[id]
	return key, ok
}

// removes reports whether the actions of a key remove a chain from a holder.
func removes(key mesh.ActionKey) bool {
	return key.Kind == mesh.KindRequestEviction || key.Kind == mesh.KindDropReplica
}

// sortByID sorts entries by the order in which they were handed out.
func sortByID(entries []*ledgerEntry) {
	slices.SortFunc(entries, func(a, b *ledgerEntry) int { return cmp.Compare(a.emitted.ID, b.emitted.ID) })
}

// AppendKeys appends the keys of all entries, in any order.
func (s *State) AppendKeys(keys []mesh.ActionKey) []mesh.ActionKey {
	for key := range s.ledger.entries {
		keys = append(keys, key)
	}
	return keys
}
