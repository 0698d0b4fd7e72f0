package main

import (
	"net/netip"
	"testing"
	"time"
)

const timeout = time.Second

// filled makes a round with nonce n+1 for slot n and sends n of its echoes, a
// millisecond apart.
func filled(targets, count, send int, start time.Time) *round {
	nonces := make([]byte, 8*targets*count)
	for s := range targets * count {
		nonces[8*s+7] = byte(s + 1)
	}
	r := newRound(5, loopback(targets), count, timeout, nonces)
	for n := range send {
		r.markSent(start.Add(time.Duration(n) * time.Millisecond))
	}
	return r
}

func TestRoundAcceptsOnlyItsOpenEchoes(t *testing.T) {
	r := filled(2, 2, 3, time.Unix(1000, 0))
	tests := map[string]struct {
		e    echo
		want bool
	}{
		"the reply":                {echo{round: 5, slot: 1, nonce: 2}, true},
		"another nonce (forged)":   {echo{round: 5, slot: 1, nonce: 3}, false},
		"an older round (late)":    {echo{round: 4, slot: 1, nonce: 2}, false},
		"not sent yet":             {echo{round: 5, slot: 3, nonce: 4}, false},
		"no such slot":             {echo{round: 5, slot: 4, nonce: 2}, false},
		"no such slot, far beyond": {echo{round: 5, slot: 1<<32 - 1, nonce: 2}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := r.accepts(tt.e); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	r.answer(1, time.Millisecond)
	if r.accepts(echo{round: 5, slot: 1, nonce: 2}) {
		t.Error("a duplicate is accepted")
	}
}

func TestRoundSettlesWithItsLastReply(t *testing.T) {
	r := filled(2, 3, 6, time.Unix(1000, 0))
	for i, rtt := range []time.Duration{30, 10, 20} {
		slot := uint32(2*i + 1) // of the second target
		o, ok := r.answer(slot, rtt*time.Millisecond)
		if ok != (i == 2) {
			t.Fatalf("reply %d: settled %v", i, ok)
		}
		if ok && (o.target.peer != 2 || o.rtt != 20*time.Millisecond || o.answered != 3) {
			t.Errorf("settled as %+v, want the median 20ms of 3 for peer 2", o)
		}
	}
	if r.done() {
		t.Error("done, but the first target is open")
	}
}

func TestRoundExpiresWhenTheLastEchoTimedOut(t *testing.T) {
	start := time.Unix(1000, 0)
	r := filled(2, 2, 3, start) // slots 0, 1, 2; the last echo of target 1 is not sent
	r.answer(0, 7*time.Millisecond)
	at, ok := r.nextExpiry()
	if want := start.Add(2*time.Millisecond + timeout); !ok || !at.Equal(want) {
		t.Fatalf("next expiry %v, %v; want %v", at, ok, want)
	}
	if out := r.expire(at.Add(-1), nil); len(out) != 0 {
		t.Fatalf("expired early: %+v", out)
	}
	out := r.expire(at, nil)
	if len(out) != 1 || out[0].target.peer != 1 || out[0].rtt != 7*time.Millisecond || out[0].answered != 1 {
		t.Fatalf("expired as %+v, want peer 1 with its one answer", out)
	}
	if r.accepts(echo{round: 5, slot: 2, nonce: 3}) {
		t.Error("a reply after the verdict is accepted")
	}
	if _, ok := r.nextExpiry(); ok || r.done() {
		t.Error("a target whose last echo is not sent has no expiry yet and keeps the round open")
	}
	r.markSent(start)
	out = r.expire(start.Add(timeout), nil)
	if len(out) != 1 || out[0].answered != 0 || !r.done() {
		t.Errorf("expired as %+v, done %v; want peer 2 without an answer, done", out, r.done())
	}
}

func TestRoundIgnoresAReplyLaterThanTheTimeout(t *testing.T) {
	r := filled(1, 2, 2, time.Unix(1000, 0))
	r.answer(0, timeout+1)
	if o, ok := r.answer(1, timeout); ok {
		t.Errorf("settled as %+v although one echo has no timely answer", o)
	}
}

func TestMedian(t *testing.T) {
	tests := map[string]struct {
		in   []time.Duration
		want time.Duration
	}{
		"none":     {nil, 0},
		"one":      {[]time.Duration{4}, 4},
		"two":      {[]time.Duration{9, 4}, 6},
		"outliers": {[]time.Duration{900, 5, 1}, 5},
		"four":     {[]time.Duration{1, 100, 3, 5}, 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := median(tt.in); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// mixed returns n targets, every second one of IPv6.
func mixed(n int) []target {
	targets := loopback(n)
	for i := 1; i < n; i += 2 {
		targets[i].addr = netip.IPv6Loopback()
	}
	return targets
}
