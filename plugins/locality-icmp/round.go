package main

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"time"
)

// target is one address to ping, for one peer.
type target struct {
	peer    uint64
	address string // as configured; a result counts for this address only
	addr    netip.Addr
	to      net.Addr // addr in the form that the family's socket needs
}

func (t *target) family() family {
	if t.addr.Is4() {
		return familyV4
	}
	return familyV6
}

// outcome is the result of one target in a round: the median of its answered echoes, or
// that none was answered in time.
type outcome struct {
	target   target
	rtt      time.Duration
	answered int
	echoes   []time.Duration // in the order of sending: round-trip times, or lost or unsent
}

// What stands in place of a round-trip time.
const (
	lost   time.Duration = 0
	unsent time.Duration = -1 // the kernel did not send the echo: that is not the peer's fault
)

// round collects the replies to count echoes to each of its targets. Slot n is echo
// n/len(targets) to target n%len(targets): targets take turns, so that the echoes to one
// target are far apart.
//
// A target is settled once: when its last echo is answered, or when the timeout of its
// last echo is over. A round does no I/O and reads no clock.
type round struct {
	id      uint32
	targets []target
	count   int
	timeout time.Duration

	nonces  []byte          // 8 random bytes for each slot
	sent    []time.Time     // zero: not sent
	rtts    []time.Duration // lost: no answer so far
	answers []uint8         // by target
	settled []bool          // by target
	next    int             // slot to send next
	expired int             // targets below this are settled
}

// newRound returns a round. nonces has 8 random bytes for each of the len(targets)*count
// slots.
func newRound(id uint32, targets []target, count int, timeout time.Duration, nonces []byte) *round {
	slots := len(targets) * count
	return &round{
		id: id, targets: targets, count: count, timeout: timeout, nonces: nonces,
		sent: make([]time.Time, slots), rtts: make([]time.Duration, slots),
		answers: make([]uint8, len(targets)), settled: make([]bool, len(targets)),
	}
}

func (r *round) target(slot int) *target   { return &r.targets[slot%len(r.targets)] }
func (r *round) nonce(slot int) uint64     { return binary.BigEndian.Uint64(r.nonces[slot*8:]) }
func (r *round) allSent() bool             { return r.next == len(r.sent) }
func (r *round) done() bool                { return r.allSent() && r.expired == len(r.targets) }
func (r *round) lastSlot(target int) int   { return (r.count-1)*len(r.targets) + target }
func (r *round) markSent(at time.Time)     { r.sent[r.next] = at; r.next++ }
func (r *round) markUnsent(at time.Time)   { r.rtts[r.next] = unsent; r.markSent(at) }
func (r *round) sentAt(s uint32) time.Time { return r.sent[s] }

// accepts reports whether a reply belongs to an echo of this round that was sent
// and is still open.
func (r *round) accepts(e echo) bool {
	if e.round != r.id || uint64(e.slot) >= uint64(len(r.sent)) {
		return false
	}
	s := int(e.slot)
	return !r.sent[s].IsZero() && r.rtts[s] == 0 && r.nonce(s) == e.nonce && !r.settled[s%len(r.targets)]
}

// answer stores the round-trip time of an accepted reply. It returns the target's outcome
// if this was the last missing reply. A reply later than the timeout does not count.
func (r *round) answer(slot uint32, rtt time.Duration) (outcome, bool) {
	if rtt > r.timeout {
		return outcome{}, false
	}
	s, t := int(slot), int(slot)%len(r.targets)
	r.rtts[s] = rtt
	r.answers[t]++
	if int(r.answers[t]) < r.count {
		return outcome{}, false
	}
	return r.settle(t), true
}

// expire settles the targets whose last echo has timed out, and appends their outcomes to
// out.
func (r *round) expire(now time.Time, out []outcome) []outcome {
	for ; r.expired < len(r.targets); r.expired++ {
		t := r.expired
		if r.settled[t] {
			continue
		}
		if last := r.lastSlot(t); last >= r.next || now.Sub(r.sent[last]) < r.timeout {
			break
		}
		out = append(out, r.settle(t))
	}
	return out
}

// nextExpiry returns when expire has something to do next. It returns false if that is not
// known before more was sent, or if nothing is left.
func (r *round) nextExpiry() (time.Time, bool) {
	for t := r.expired; t < len(r.targets); t++ {
		if r.settled[t] {
			continue
		}
		if last := r.lastSlot(t); last < r.next {
			return r.sent[last].Add(r.timeout), true
		}
		break
	}
	return time.Time{}, false
}

func (r *round) settle(t int) outcome {
	r.settled[t] = true
	rtts := make([]time.Duration, 0, 8)
	echoes := make([]time.Duration, 0, r.count)
	for s := t; s < len(r.rtts); s += len(r.targets) {
		echoes = append(echoes, r.rtts[s])
		if r.rtts[s] > 0 {
			rtts = append(rtts, r.rtts[s])
		}
	}
	return outcome{target: r.targets[t], rtt: median(rtts), answered: len(rtts), echoes: echoes}
}

// median returns the middle value, the mean of the two middle ones of an even number, or 0
// for none. It reorders its argument.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	mid := len(d) / 2
	if len(d)%2 == 1 {
		return d[mid]
	}
	return d[mid-1] + (d[mid]-d[mid-1])/2
}
