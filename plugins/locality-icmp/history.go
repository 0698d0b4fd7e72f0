package main

import "time"

// historyLength is over how many echoes loss and jitter are measured: with the defaults
// those of the last seven seconds.
const historyLength = 20

// history has what became of the last echoes to one target, oldest first: round-trip
// times, or lost or unsent. The zero value is empty.
type history struct{ echoes []time.Duration }

// add appends the echoes of a round, which came after those that are there.
func (h *history) add(echoes []time.Duration) {
	h.echoes = append(h.echoes, echoes...)
	if over := len(h.echoes) - historyLength; over > 0 {
		h.echoes = h.echoes[:copy(h.echoes, h.echoes[over:])]
	}
}

// summary counts the echoes that were sent and those that were answered. Jitter is the mean
// difference of successive round-trip times, 0 if there are fewer than two.
func (h *history) summary() (sent, received uint32, jitter time.Duration) {
	var sum, last time.Duration
	for _, rtt := range h.echoes {
		if rtt == unsent {
			continue
		}
		sent++
		if rtt == lost {
			continue
		}
		if received++; received > 1 {
			sum += (rtt - last).Abs()
		}
		last = rtt
	}
	if received > 1 {
		jitter = sum / time.Duration(received-1)
	}
	return sent, received, jitter
}
