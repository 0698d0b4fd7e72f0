package main

import (
	"encoding/binary"
	"math/bits"
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

// path is one of the ways to a peer.
type path struct {
	peer uint64
	addr netip.Addr
}

func (t *target) path() path { return path{t.peer, t.addr} }

func (t *target) family() family {
	if t.addr.Is4() {
		return familyV4
	}
	return familyV6
}

// outcome is the result of one target in a round: the median of the echoes that were answered
// in time, or of those that were answered late if there are no others.
type outcome struct {
	target   target
	rtt      time.Duration
	answered int // in time
	late     int
	unsent   int
	echoes   []time.Duration // in the order of sending: round-trip times, or lost or unsent
}

// What stands in place of a round-trip time.
const (
	lost   time.Duration = 0
	unsent time.Duration = -1 // the kernel did not send the echo: that is not the peer's fault
)

// lateLimit is how long after its sending an echo may still be answered. After the timeout
// it counts as late.
const lateLimit = 10 * time.Second

// round collects the replies to count echoes to each of its targets. Slot n is echo
// n/len(targets) to target n%len(targets): targets take turns, so that the echoes to one
// target are far apart.
//
// A target is settled when its last echo is answered, or when the timeout of its last echo is
// over. Replies that come after that change its outcome, until the round is over. A round
// does no I/O and reads no clock.
type round struct {
	id      uint32
	targets []target
	count   int
	timeout time.Duration

	cookies []byte          // 8 random bytes for each slot
	sent    []time.Time     // zero: not sent
	exact   []bool          // sent is the kernel's time
	rtts    []time.Duration // lost: no answer so far
	answers []uint8         // by target: those in time
	settled []bool          // by target
	next    int             // slot to send next
	expired int             // targets below this are settled
}

// newRound returns a round. cookies has 8 random bytes for each of the len(targets)*count
// slots.
func newRound(id uint32, targets []target, count int, timeout time.Duration, cookies []byte) *round {
	slots := len(targets) * count
	return &round{
		id: id, targets: targets, count: count, timeout: timeout, cookies: cookies,
		sent: make([]time.Time, slots), exact: make([]bool, slots), rtts: make([]time.Duration, slots),
		answers: make([]uint8, len(targets)), settled: make([]bool, len(targets)),
	}
}

func (r *round) target(slot int) *target { return &r.targets[slot%len(r.targets)] }
func (r *round) echo(slot int) echo {
	return echo{seq: uint16(slot), cookie: binary.BigEndian.Uint64(r.cookies[slot*cookieLen:])}
}
func (r *round) allSent() bool           { return r.next == len(r.sent) }
func (r *round) allSettled() bool        { return r.allSent() && r.expired == len(r.targets) }
func (r *round) lastSlot(target int) int { return (r.count-1)*len(r.targets) + target }
func (r *round) markSent(at time.Time)   { r.sent[r.next] = at; r.next++ }
func (r *round) markUnsent(at time.Time) { r.rtts[r.next] = unsent; r.markSent(at) }

// correct stores the kernel's time of sending of an echo that was sent.
func (r *round) correct(slot int, at time.Time) { r.sent[slot], r.exact[slot] = at, true }

// over reports whether no reply to the round counts any more.
func (r *round) over(now time.Time) bool {
	return r.allSettled() && (len(r.sent) == 0 || now.Sub(r.sent[len(r.sent)-1]) >= lateLimit)
}

// damaged is how many bits of a cookie may have been flipped on the way. That is still no
// cookie that one could guess: one of 2^53 guesses is so close.
const damaged = 2

// find returns the slot of an echo of this round that was sent and has no answer yet.
func (r *round) find(e echo) (slot int, ok bool) {
	for s := int(e.seq); s < r.next; s += 1 << 16 {
		if r.rtts[s] == lost && bits.OnesCount64(r.echo(s).cookie^e.cookie) <= damaged {
			return s, true
		}
	}
	return 0, false
}

// answer stores the round-trip time of a found echo. It returns the target's outcome if it is
// settled with this reply, or was before.
func (r *round) answer(slot int, rtt time.Duration) (outcome, bool) {
	t := slot % len(r.targets)
	r.rtts[slot] = rtt
	if rtt <= r.timeout {
		r.answers[t]++
	}
	if !r.settled[t] && int(r.answers[t]) < r.count {
		return outcome{}, false
	}
	r.settled[t] = true
	return r.outcome(t), true
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
		r.settled[t] = true
		out = append(out, r.outcome(t))
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

func (r *round) outcome(t int) outcome {
	inTime, late := make([]time.Duration, 0, 8), []time.Duration(nil)
	out := outcome{target: r.targets[t], echoes: make([]time.Duration, 0, r.count)}
	for s := t; s < len(r.rtts); s += len(r.targets) {
		rtt := r.rtts[s]
		out.echoes = append(out.echoes, rtt)
		switch {
		case rtt == unsent:
			out.unsent++
		case rtt > r.timeout:
			late = append(late, rtt)
		case rtt > 0:
			inTime = append(inTime, rtt)
		}
	}
	out.answered, out.late = len(inTime), len(late)
	if out.rtt = median(inTime); out.answered == 0 {
		out.rtt = median(late)
	}
	return out
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
