package resolve

import (
	"container/heap"
	"net/netip"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Lookup is what became of the last lookup of a name, in the contract's order.
type Lookup uint8

// The values of Lookup.
const (
	Pending    Lookup = iota // the first one has not ended yet
	Found                    // the name has addresses
	NoSuchName               // the name servers say that there is no such name, or no address of it
	Failed                   // no name server could say
)

// Answer is the answer to the lookup of one family of a name.
type Answer struct {
	Addresses []netip.Addr
	Gone      bool   // there is no such name, or it has no address of this family
	Failed    string // why nothing is known, in a few words that rarely change; else ""
}

// Change is what became of a name.
type Change struct {
	Name          Name
	Before, After State
}

// State is what is known of a name. The zero value is that of a name whose first lookup has
// not ended.
type State struct {
	Addresses []netip.Addr // that count, IPv6 before IPv4; of the last good lookup if this one was not
	Lookup    Lookup
	Reason    string    // why the last lookup found nothing, or not all
	Since     time.Time // when it became so
	// KeptUntil is until when the addresses of a name that is gone count. It is the zero time
	// for no end.
	KeptUntil time.Time
}

const (
	// mostAddresses are used of one family of a name.
	mostAddresses = 8
	// firstRetry is how soon a name is looked up again of which nothing is known; then ever
	// later, up to the interval.
	firstRetry = 5 * time.Second
)

// table schedules lookups, and folds their answers. It reads no clock and does no I/O.
type table struct {
	interval time.Duration
	grace    time.Duration
	jitter   func(time.Duration) time.Duration // moves an interval a little, so that names spread

	names map[Name]*entry
	queue queue
	gone  map[*entry]bool // whose addresses still count for a while
}

// entry is what is known of one name.
type entry struct {
	name     Name
	state    State
	v6, v4   []netip.Addr
	due      time.Time
	place    int // in the queue; waiting while it is looked up
	failures int // in a row without any address
	dropped  bool
}

const waiting = -1

func newTable(interval, grace time.Duration, jitter func(time.Duration) time.Duration) *table {
	return &table{interval: interval, grace: grace, jitter: jitter, names: make(map[Name]*entry), gone: make(map[*entry]bool)}
}

// want replaces the names. New ones are due at once.
func (t *table) want(now time.Time, names []Name) {
	wanted := make(map[Name]bool, len(names))
	for _, name := range names {
		wanted[name] = true
		if t.names[name] == nil {
			e := &entry{name: name, due: now, state: State{Since: now}}
			t.names[name] = e
			heap.Push(&t.queue, e)
		}
	}
	for name, e := range t.names {
		if wanted[name] {
			continue
		}
		delete(t.names, name)
		delete(t.gone, e)
		e.dropped = true
		if e.place != waiting {
			heap.Remove(&t.queue, e.place)
		}
	}
}

// next takes the name that is due. Without one it returns when one will be, or the zero time.
func (t *table) next(now time.Time) (*entry, time.Time) {
	if len(t.queue) == 0 {
		return nil, time.Time{}
	}
	if due := t.queue[0].due; due.After(now) {
		return nil, due
	}
	return heap.Pop(&t.queue).(*entry), time.Time{}
}

// answered folds the answers to the lookup of a name that next returned: v6 and v4 are nil for
// families that were not asked for. It returns what was known before.
func (t *table) answered(now time.Time, e *entry, v6, v4 *Answer) (before State) {
	before = e.state
	if e.dropped {
		return before
	}
	lookup, reason := Found, ""
	switch answers := asked(v6, v4); {
	case slices.ContainsFunc(answers, func(a *Answer) bool { return len(a.Addresses) > 0 }):
		for _, f := range []struct {
			kept *[]netip.Addr
			got  *Answer
		}{{&e.v6, v6}, {&e.v4, v4}} {
			if f.got != nil && f.got.Failed != "" && len(*f.kept) > 0 {
				lookup, reason = Failed, f.got.Failed // of one family, whose addresses stay
			} else if f.got != nil {
				*f.kept = merged(*f.kept, f.got.Addresses)
			}
		}
		e.state.KeptUntil = time.Time{}
	case slices.ContainsFunc(answers, func(a *Answer) bool { return a.Failed != "" }):
		lookup = Failed
		for _, a := range answers {
			if reason == "" {
				reason = a.Failed
			}
		}
	default:
		lookup, reason = NoSuchName, noSuchName(e.name.Family)
		if e.state.KeptUntil.IsZero() && len(e.v6)+len(e.v4) > 0 {
			e.state.KeptUntil = now.Add(t.grace)
		}
	}
	if lookup != e.state.Lookup {
		e.state.Since = now
	}
	e.state.Lookup, e.state.Reason = lookup, reason
	e.expire(now)
	if delete(t.gone, e); !e.state.KeptUntil.IsZero() {
		t.gone[e] = true
	}
	e.state.Addresses = slices.Concat(e.v6, e.v4)
	e.due = now.Add(t.pause(e))
	heap.Push(&t.queue, e)
	return before
}

// noSuchName is why a name has no address.
func noSuchName(f mesh.Family) string {
	if f == mesh.FamilyUnknown {
		return "no such name"
	}
	return "no " + f.String() + " address under this name"
}

func asked(answers ...*Answer) []*Answer {
	return slices.DeleteFunc(answers, func(a *Answer) bool { return a == nil })
}

// pause returns after how long a name is looked up again.
func (t *table) pause(e *entry) time.Duration {
	if e.state.Lookup != Failed || len(e.state.Addresses) > 0 {
		e.failures = 0
		return t.jitter(t.interval)
	}
	e.failures++
	return t.jitter(min(firstRetry<<min(e.failures-1, 10), t.interval))
}

// merged returns the addresses of an answer. Those that were there before keep their places:
// name servers change the order with each answer.
func merged(before, now []netip.Addr) []netip.Addr {
	out := make([]netip.Addr, 0, min(len(now), mostAddresses))
	add := func(ip netip.Addr) {
		if len(out) < mostAddresses && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	for _, ip := range before {
		if slices.Contains(now, ip) {
			add(ip)
		}
	}
	for _, ip := range now {
		add(ip)
	}
	return out
}

// expire drops the addresses of names that are gone for too long. It returns what that changed,
// and when it has something to do next, or the zero time.
func (t *table) expire(now time.Time) (over []Change, next time.Time) {
	for e := range t.gone {
		before, until := e.state, e.state.KeptUntil
		switch {
		case e.expire(now):
			delete(t.gone, e)
			over = append(over, Change{e.name, before, e.state})
		case next.IsZero() || until.Before(next):
			next = until
		}
	}
	return over, next
}

func (e *entry) expire(now time.Time) bool {
	if e.state.KeptUntil.IsZero() || now.Before(e.state.KeptUntil) {
		return false
	}
	e.v6, e.v4, e.state.Addresses, e.state.KeptUntil = nil, nil, nil, time.Time{}
	return true
}

// queue orders the names by when they are due.
type queue []*entry

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.place = len(*q)
	*q = append(*q, e)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	e.place = waiting
	return e
}
