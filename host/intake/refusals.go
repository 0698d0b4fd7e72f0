package intake

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// refusalEvery is how far apart the audit records of refusals of one source and kind are
// at least.
const refusalEvery = time.Second

// largestOrder is the Size up to which the audit record of a refusal holds what was
// refused.
const largestOrder = 256

// refusals makes audit records of what was refused, and of orders that were taken without a
// signature and are no commands. It bounds them: one a second for each source, kind and
// verdict, which counts the others.
type refusals struct {
	// record folds a record if there is room for it, and reports whether it did.
	record func(verdict mesh.JudgedCommit) bool
	now    func() time.Time

	mu  sync.Mutex
	all map[refusalKey]*refusal
}

// refusalKey is what a record of refusals is about. There are few keys: the node names the
// sources, and there are as many kinds as the contract and host/operator have.
type refusalKey struct {
	source, kind string
	taken        bool
}

// refusal is what is known of the orders of one key.
type refusal struct {
	recorded time.Time         // when the last record was made
	more     uint64            // that came since then
	last     mesh.JudgedCommit // the newest of these
}

// add adds an order to those of its source and kind. It reports whether some are left without
// a record.
func (r *refusals) add(source, kind string, verdict mesh.JudgedCommit) (waiting bool) {
	if ev := verdict.Event; ev != nil && ev.Size() > largestOrder {
		verdict.Event = nil
	}
	if o := verdict.Refusal.Order; o != nil && o.Size() > largestOrder {
		verdict.Refusal.Order = nil
	}
	key := refusalKey{source, kind, verdict.Outcome.Verdict != mesh.VerdictRejected}
	r.mu.Lock()
	if r.all == nil {
		r.all = make(map[refusalKey]*refusal)
	}
	one := r.all[key]
	if one == nil {
		one = &refusal{}
		r.all[key] = one
	}
	one.more++
	one.last = verdict
	r.mu.Unlock()
	return !r.recordOne(key, false)
}

// recordOne makes the record of a key, if one is due, and reports whether nothing is left
// to be recorded.
func (r *refusals) recordOne(key refusalKey, atOnce bool) bool {
	r.mu.Lock()
	one, now := r.all[key], r.now()
	if one.more == 0 {
		r.mu.Unlock()
		return true
	}
	if !atOnce && !one.recorded.IsZero() && now.Sub(one.recorded) < refusalEvery {
		r.mu.Unlock()
		return false
	}
	before := *one
	one.recorded, one.more = now, 0
	verdict := one.last
	r.mu.Unlock()

	of := *verdict.Refusal
	of.Source, of.Kind, of.More = key.source, key.kind, before.more-1
	verdict.Refusal = &of
	if r.record(verdict) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one.recorded = before.recorded
	one.more += before.more
	return false
}

// recordAll makes the records that are due or, at the end, all that are left. It reports
// whether nothing is left.
func (r *refusals) recordAll(atOnce bool) (none bool) {
	r.mu.Lock()
	keys := slices.SortedFunc(maps.Keys(r.all), func(a, b refusalKey) int {
		taken := 0
		if a.taken != b.taken {
			taken = 1
			if b.taken {
				taken = -1
			}
		}
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.kind, b.kind), taken)
	})
	r.mu.Unlock()
	none = true
	for _, key := range keys {
		none = r.recordOne(key, atOnce) && none
	}
	return none
}
