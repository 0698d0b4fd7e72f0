package main

import (
	"slices"
	"time"
)

// historyLength is over how many echoes loss and jitter are measured: with the defaults
// those of the last seven seconds.
const historyLength = 20

// history has what became of the last echoes to one target, by round, oldest first. The zero
// value is empty.
type history struct{ rounds []pastRound }

// pastRound is one round of a history.
type pastRound struct {
	id     uint32
	echoes []time.Duration // round-trip times, or lost or unsent
}

// put stores the echoes of a round, in place of what was there of it. One that is older than
// what the history reaches back is left out.
func (h *history) put(id uint32, echoes []time.Duration) {
	at, found := slices.BinarySearchFunc(h.rounds, id, func(r pastRound, id uint32) int { return int(int64(r.id) - int64(id)) })
	switch {
	case found:
		h.rounds[at].echoes = echoes
		return
	case at == 0 && h.length() >= historyLength:
		return
	}
	h.rounds = slices.Insert(h.rounds, at, pastRound{id, echoes})
	for len(h.rounds) > 1 && h.length()-len(h.rounds[0].echoes) >= historyLength {
		h.rounds = slices.Delete(h.rounds, 0, 1)
	}
}

func (h *history) length() (n int) {
	for _, r := range h.rounds {
		n += len(r.echoes)
	}
	return n
}

// counts is what became of the last echoes to a target.
type counts struct {
	sent, received, late uint32
	jitter               time.Duration
}

// summary counts the last echoes: those that were sent, those that were answered within the
// timeout, and those that were answered after it. Jitter is the mean difference of successive
// round-trip times within the timeout, 0 if there are fewer than two.
func (h *history) summary(timeout time.Duration) (c counts) {
	var sum, last time.Duration
	skip := h.length() - historyLength
	for _, r := range h.rounds {
		for _, rtt := range r.echoes {
			if skip--; skip >= 0 || rtt == unsent {
				continue
			}
			c.sent++
			switch {
			case rtt == lost:
				continue
			case rtt > timeout:
				c.late++
				continue
			}
			if c.received++; c.received > 1 {
				sum += (rtt - last).Abs()
			}
			last = rtt
		}
	}
	if c.received > 1 {
		c.jitter = sum / time.Duration(c.received-1)
	}
	return c
}
