package operator

import (
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

const (
	// maxNonces bounds how many used nonces are remembered.
	maxNonces = 1 << 16
	// maxStale bounds how many of them belong to commands that are too old to be accepted
	// anyway. Forgetting one raises the floor. If the clock was ahead for a while, a raised
	// floor rejects good commands after it was corrected, so some stale ones are kept.
	maxStale = 1024
)

// memory is what must survive a restart. It reads no clock and does no I/O: the store
// keeps its entries on disk. All times except those of the freeze are whole
// milliseconds.
type memory struct {
	nonces    map[rules.Nonce]time.Time // used nonces, and when their commands were issued
	floor     time.Time                 // commands issued up to here are rejected: their nonces may be forgotten
	cooldowns map[rules.Bucket]time.Time
	freeze    freeze
}

// freeze records until when the cluster is frozen, by the wall clock.
type freeze struct {
	Until time.Time
	TTL   time.Duration // upper bound of what is left, even if the clock was set back
}

// newMemory returns the memory of a node that has accepted nothing yet.
func newMemory() *memory {
	return &memory{nonces: make(map[rules.Nonce]time.Time), cooldowns: make(map[rules.Bucket]time.Time)}
}

// checkNonce rejects a command that was accepted before, or may have been.
func (m *memory) checkNonce(c rules.Command) *rules.Rejection {
	if _, used := m.nonces[c.Nonce]; used {
		return rules.Reject(rules.KindReplayed, "the command was accepted before and is accepted only once; sign a new one")
	}
	if !c.IssuedAt.After(m.floor) {
		return rules.Reject(rules.KindReplayed, "this node no longer knows whether it accepted commands that were issued up to %s; sign a new one after that",
			rules.Stamp(m.floor))
	}
	return nil
}

// frozen returns how long the freeze lasts from now on; 0 if there is none.
func (m *memory) frozen(now time.Time) time.Duration {
	return max(0, min(m.freeze.Until.Sub(now), m.freeze.TTL))
}

// accepted returns what is remembered of a command that is accepted now.
func accepted(p rules.Policy, c rules.Command, now time.Time) entry {
	out := entry{Nonce: &c.Nonce, Issued: c.IssuedAt.UnixMilli()}
	if b, has := rules.BucketOf(c.Event); has && p.Cooldown > 0 {
		until := now.Truncate(time.Millisecond).Add(p.Cooldown)
		out.Cooldowns = []cooldownEntry{{Node: b.Node, Freeze: b.Freeze, Until: until.UnixMilli()}}
	}
	out.Freeze = freezeOf(c.Event, now)
	return out
}

// freezeOf returns the freeze that an event starts or ends; nil if it does neither.
func freezeOf(ev mesh.AdminEvent, now time.Time) *freezeEntry {
	switch ev := ev.(type) {
	case mesh.FreezeCluster:
		return &freezeEntry{Until: now.Add(ev.TTL).UnixNano(), TTL: ev.TTL}
	case mesh.ThawCluster:
		return &freezeEntry{}
	}
	return nil
}

// take applies an entry.
func (m *memory) take(e entry) {
	if e.Nonce != nil {
		m.nonces[*e.Nonce] = time.UnixMilli(e.Issued)
	}
	for _, c := range e.Cooldowns {
		m.cooldowns[c.bucket()] = time.UnixMilli(c.Until)
	}
	if f := e.Freeze; f != nil {
		m.freeze = freeze{Until: time.Unix(0, f.Until), TTL: f.TTL}
	}
	if floor := time.UnixMilli(e.Floor); e.Floor != 0 && floor.After(m.floor) {
		m.floor = floor
	}
}

// drop forgets the nonce and the cooldown of a command that was not accepted after all.
func (m *memory) drop(e entry) {
	if e.Nonce != nil {
		delete(m.nonces, *e.Nonce)
	}
	for _, c := range e.Cooldowns {
		delete(m.cooldowns, c.bucket())
	}
}

// prune forgets what can't matter any more: the oldest nonces, and cooldowns and freezes
// that are over. Forgetting a nonce raises the floor, so that its command stays rejected
// even if the clock is set back. A clock that is set back does not make a cooldown longer
// either.
func (m *memory) prune(p rules.Policy, now time.Time) {
	var stale []rules.Nonce
	for nonce, issued := range m.nonces {
		if now.Sub(issued) > p.Freshness {
			stale = append(stale, nonce)
		}
	}
	if over := len(stale) - maxStale; over > 0 {
		m.forgetOldest(stale, over)
	}
	if over := len(m.nonces) - maxNonces; over > 0 {
		m.forgetOldest(slices.Collect(maps.Keys(m.nonces)), over)
	}
	for b, until := range m.cooldowns {
		switch left := until.Sub(now); {
		case left <= 0:
			delete(m.cooldowns, b)
		case left > p.Cooldown:
			m.cooldowns[b] = now.Truncate(time.Millisecond).Add(p.Cooldown)
		}
	}
	if m.frozen(now) == 0 {
		m.freeze = freeze{}
	}
}

// forgetOldest forgets the count oldest ones of the given nonces, and raises the floor.
func (m *memory) forgetOldest(of []rules.Nonce, count int) {
	slices.SortFunc(of, func(a, b rules.Nonce) int { return m.nonces[a].Compare(m.nonces[b]) })
	for _, n := range of[:count] {
		if issued := m.nonces[n]; issued.After(m.floor) {
			m.floor = issued
		}
		delete(m.nonces, n)
	}
}

// entries returns entries from which the memory can be restored.
func (m *memory) entries() []entry {
	var out []entry
	if !m.floor.IsZero() {
		out = append(out, entry{Floor: m.floor.UnixMilli()})
	}
	for _, n := range slices.SortedFunc(maps.Keys(m.nonces), func(a, b rules.Nonce) int { return slices.Compare(a[:], b[:]) }) {
		out = append(out, entry{Nonce: &n, Issued: m.nonces[n].UnixMilli()})
	}
	for _, b := range slices.SortedFunc(maps.Keys(m.cooldowns), rules.CompareBuckets) {
		out = append(out, entry{Cooldowns: []cooldownEntry{{Node: b.Node, Freeze: b.Freeze, Until: m.cooldowns[b].UnixMilli()}}})
	}
	if m.freeze.TTL > 0 {
		out = append(out, entry{Freeze: &freezeEntry{Until: m.freeze.Until.UnixNano(), TTL: m.freeze.TTL}})
	}
	return out
}
