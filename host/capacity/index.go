package capacity

import "github.com/meshos/meshos/host/entries"

// owner is a plugin that brought something. 0 is everybody else.
type owner uint16

// entry is what the gate knows of one thing.
type entry struct {
	owner   owner
	fresh   uint8 // the generation in which it was let in last
	holders int32 // at most; of a chain or a blob
}

// index is what the gate knows of one kind of things.
type index struct {
	limit      int
	entries    *entries.Table[uint64, entry]
	asked      map[uint64]int64 // when the state was asked about a holder and there was room, in ns
	shares     map[owner]int
	configured map[uint64]bool
}

func newIndex(limit int) index {
	return index{limit: limit, entries: entries.New[uint64, entry](), asked: make(map[uint64]int64), shares: make(map[owner]int)}
}

// share is how many one plugin may bring.
func (x *index) share() int { return max(1, x.limit/2) }

// add adds something new, if there is room for it.
func (x *index) add(id uint64, by owner, now uint8) (e *entry, full, overShare bool) {
	switch {
	case x.configured[id]:
		by = 0
	case x.entries.Len() >= x.limit:
		return nil, true, false
	case by != 0 && x.shares[by] >= x.share():
		return nil, false, true
	}
	e = x.entries.Ensure(id)
	*e = entry{owner: by, fresh: now}
	if by != 0 {
		x.shares[by]++
	}
	return e, false, false
}

// forget removes an entry.
func (x *index) forget(id uint64) {
	if e := x.entries.Get(id); e != nil {
		if e.owner != 0 {
			x.shares[e.owner]--
		}
		x.entries.Remove(id)
		delete(x.asked, id)
	}
}

// align makes the index agree with what the state has, but for what was let in since
// the generation before.
func (x *index) align(known func(yield func(id uint64, holders int) bool), now uint8) {
	old := x.entries
	x.entries = entries.New[uint64, entry]()
	for id, holders := range known {
		e := x.entries.Ensure(id)
		was := old.Get(id)
		switch {
		case was == nil:
			*e = entry{fresh: now - 2}
		case was.fresh != now && was.fresh != now-1:
			*e = *was
			e.holders = int32(holders)
		default:
			*e = *was
			e.holders = max(e.holders, int32(holders))
		}
	}
	for id, e := range old.All() {
		if x.entries.Get(id) == nil && (e.fresh == now || e.fresh == now-1) {
			*x.entries.Ensure(id) = *e
		}
	}
	for id := range x.asked {
		if x.entries.Get(id) == nil {
			delete(x.asked, id)
		}
	}
	clear(x.shares)
	for _, e := range x.entries.All() {
		if e.owner != 0 {
			x.shares[e.owner]++
		}
	}
}
