package capacity

// owner is a plugin that brought something. 0 is everybody else.
type owner uint16

// entry is what the gate knows of one thing.
type entry struct {
	owner   owner
	fresh   uint8 // the generation in which it was let in last
	holders int32 // at most; of a chain or a blob
	asked   int64 // when the state was asked about a holder and there was room, in ns
}

// index is what the gate knows of one kind of things.
type index struct {
	limit      int
	entries    map[uint64]*entry
	shares     map[owner]int
	configured map[uint64]bool
}

func newIndex(limit int) index {
	return index{limit: limit, entries: make(map[uint64]*entry), shares: make(map[owner]int)}
}

// share is how many one plugin may bring.
func (x *index) share() int { return max(1, x.limit/2) }

// add adds something new, if there is room for it.
func (x *index) add(id uint64, by owner, now uint8) (e *entry, full, overShare bool) {
	switch {
	case x.configured[id]:
		by = 0
	case len(x.entries) >= x.limit:
		return nil, true, false
	case by != 0 && x.shares[by] >= x.share():
		return nil, false, true
	}
	e = &entry{owner: by, fresh: now}
	x.entries[id] = e
	if by != 0 {
		x.shares[by]++
	}
	return e, false, false
}

// forget removes an entry.
func (x *index) forget(id uint64) {
	if e := x.entries[id]; e != nil {
		delete(x.entries, id)
		if e.owner != 0 {
			x.shares[e.owner]--
		}
	}
}

// align makes the index agree with what the state has, but for what was let in since
// the generation before.
func (x *index) align(known func(yield func(id uint64, holders int) bool), now uint8) {
	old := x.entries
	x.entries = make(map[uint64]*entry, len(old))
	for id, holders := range known {
		e := old[id]
		if e == nil {
			e = &entry{fresh: now - 2}
		} else if e.fresh != now && e.fresh != now-1 {
			e.holders = int32(holders)
		} else {
			e.holders = max(e.holders, int32(holders))
		}
		x.entries[id] = e
	}
	for id, e := range old {
		if x.entries[id] == nil && (e.fresh == now || e.fresh == now-1) {
			x.entries[id] = e
		}
	}
	clear(x.shares)
	for _, e := range x.entries {
		if e.owner != 0 {
			x.shares[e.owner]++
		}
	}
}
