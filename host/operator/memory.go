package operator

import (
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	// maxNonces bounds how many used nonces are remembered.
	maxNonces = 1 << 16
	// maxStale bounds those of commands that are too old to be accepted. While they are
	// known the floor stays: it would turn commands away that come after the clock was
	// corrected, until the clock is again where it was when it was wrong.
	maxStale = 1024
)

// Memory is what must not be forgotten over a restart. It is a plain value: times
// are handed in, and Store keeps it on disk. All times are whole milliseconds, but
// for the freeze.
type Memory struct {
	nonces    map[Nonce]time.Time // when their commands were issued
	floor     time.Time           // nonces of commands issued up to here may be forgotten
	cooldowns map[bucket]time.Time
	freeze    freeze
}

// freeze is until when the cluster is frozen, by the wall clock.
type freeze struct {
	Until time.Time
	TTL   time.Duration // never longer than this from now, whatever the clock did
}

// newMemory gives the memory of a node that accepted nothing yet.
func newMemory() *Memory {
	return &Memory{nonces: make(map[Nonce]time.Time), cooldowns: make(map[bucket]time.Time)}
}

// checkNonce says whether a command was accepted before, or may have been.
func (m *Memory) checkNonce(c Command) *Rejection {
	if _, used := m.nonces[c.Nonce]; used {
		return reject(KindReplayed, "the command was accepted before, and counts once; sign a new one")
	}
	if !c.IssuedAt.After(m.floor) {
		return reject(KindReplayed, "this node does not know any more whether it accepted commands issued before %s; sign a new one after that",
			stamp(m.floor))
	}
	return nil
}

// Frozen says how long a freeze lasts from now on; 0 for none.
func (m *Memory) Frozen(now time.Time) time.Duration {
	return max(0, min(m.freeze.Until.Sub(now), m.freeze.TTL))
}

// accepted gives what is to be remembered of a command that is accepted now.
func (p Policy) accepted(c Command, now time.Time) entry {
	out := entry{Nonce: &c.Nonce, Issued: c.IssuedAt.UnixMilli()}
	if b, has := bucketOf(c.Event); has && p.Cooldown > 0 {
		until := now.Truncate(time.Millisecond).Add(p.Cooldown)
		out.Cooldowns = []cooling{{Node: b, Until: until.UnixMilli()}}
	}
	out.Freeze = freezeOf(c.Event, now)
	return out
}

// freezeOf gives what an event makes of the freeze, nil for nothing.
func freezeOf(ev mesh.AdminEvent, now time.Time) *frozen {
	switch ev := ev.(type) {
	case mesh.FreezeCluster:
		return &frozen{Until: now.Add(ev.TTL).UnixNano(), TTL: ev.TTL}
	case mesh.ThawCluster:
		return &frozen{}
	}
	return nil
}

// take remembers an entry.
func (m *Memory) take(e entry) {
	if e.Nonce != nil {
		m.nonces[*e.Nonce] = time.UnixMilli(e.Issued)
	}
	for _, c := range e.Cooldowns {
		m.cooldowns[c.Node] = time.UnixMilli(c.Until)
	}
	if f := e.Freeze; f != nil {
		m.freeze = freeze{Until: time.Unix(0, f.Until), TTL: f.TTL}
	}
	if floor := time.UnixMilli(e.Floor); e.Floor != 0 && floor.After(m.floor) {
		m.floor = floor
	}
}

// drop forgets a nonce again whose command was not accepted after all.
func (m *Memory) drop(e entry) {
	if e.Nonce != nil {
		delete(m.nonces, *e.Nonce)
	}
	for _, c := range e.Cooldowns {
		delete(m.cooldowns, c.Node)
	}
}

// prune forgets what can't matter any more: the oldest of the commands that are too
// old to be accepted, cooldowns and freezes that are over. The floor rises with what
// is forgotten, so a clock that is set back brings no command back to life. A clock
// set back does not make a cooldown longer either.
func (m *Memory) prune(p Policy, now time.Time) {
	var stale []Nonce
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
	if m.Frozen(now) == 0 {
		m.freeze = freeze{}
	}
}

// forgetOldest forgets so many of the given nonces.
func (m *Memory) forgetOldest(of []Nonce, count int) {
	slices.SortFunc(of, func(a, b Nonce) int { return m.nonces[a].Compare(m.nonces[b]) })
	for _, n := range of[:count] {
		if issued := m.nonces[n]; issued.After(m.floor) {
			m.floor = issued
		}
		delete(m.nonces, n)
	}
}

// entries gives the memory as entries that bring it back.
func (m *Memory) entries() []entry {
	var out []entry
	if !m.floor.IsZero() {
		out = append(out, entry{Floor: m.floor.UnixMilli()})
	}
	for _, n := range slices.SortedFunc(maps.Keys(m.nonces), func(a, b Nonce) int { return slices.Compare(a[:], b[:]) }) {
		out = append(out, entry{Nonce: &n, Issued: m.nonces[n].UnixMilli()})
	}
	for _, b := range slices.Sorted(maps.Keys(m.cooldowns)) {
		out = append(out, entry{Cooldowns: []cooling{{Node: b, Until: m.cooldowns[b].UnixMilli()}}})
	}
	if m.freeze.TTL > 0 {
		out = append(out, entry{Freeze: &frozen{Until: m.freeze.Until.UnixNano(), TTL: m.freeze.TTL}})
	}
	return out
}
