package main

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

const timeout = time.Second

// cookieOf is the cookie of a slot in tests: no two are alike but for a few bits.
func cookieOf(slot int) uint64 { return uint64(slot+1) * 0x9e3779b97f4a7c15 }

// filled makes a round with the cookies of tests, and sends n of its echoes, a
// millisecond apart.
func filled(targets, count, send int, start time.Time) *round {
	cookies := make([]byte, cookieLen*targets*count)
	for s := range targets * count {
		binary.BigEndian.PutUint64(cookies[s*cookieLen:], cookieOf(s))
	}
	r := newRound(5, loopback(targets), count, timeout, cookies)
	for n := range send {
		r.markSent(start.Add(time.Duration(n) * time.Millisecond))
	}
	return r
}

func TestRoundFindsOnlyItsOpenEchoes(t *testing.T) {
	r := filled(2, 2, 3, time.Unix(1000, 0))
	tests := map[string]struct {
		e    echo
		want bool
	}{
		"the reply":                  {echo{seq: 1, cookie: cookieOf(1)}, true},
		"damaged":                    {echo{seq: 1, cookie: cookieOf(1) ^ 1<<40 ^ 1}, true},
		"forged, and nearly guessed": {echo{seq: 1, cookie: cookieOf(1) ^ 7}, false},
		"the cookie of another":      {echo{seq: 1, cookie: cookieOf(0)}, false},
		"not sent yet":               {echo{seq: 3, cookie: cookieOf(3)}, false},
		"no such slot":               {echo{seq: 4, cookie: cookieOf(1)}, false},
		"far beyond":                 {echo{seq: 1<<16 - 1, cookie: cookieOf(1)}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, got := r.find(tt.e); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	r.answer(1, time.Millisecond)
	if _, ok := r.find(r.echo(1)); ok {
		t.Error("a duplicate is accepted")
	}
}

func TestRoundFindsEchoesBeyondThoseThatFitIntoASequenceNumber(t *testing.T) {
	r := filled(40_000, 2, 80_000, time.Unix(1000, 0))
	for _, want := range []int{0, 3, 65_535, 65_536, 65_539, 79_999} {
		if slot, ok := r.find(r.echo(want)); !ok || slot != want {
			t.Errorf("slot %d: found %d, %v", want, slot, ok)
		}
	}
}

func TestRoundSettlesWithItsLastReply(t *testing.T) {
	r := filled(2, 3, 6, time.Unix(1000, 0))
	for i, rtt := range []time.Duration{30, 10, 20} {
		slot := 2*i + 1 // of the second target
		o, ok := r.answer(slot, rtt*time.Millisecond)
		if ok != (i == 2) {
			t.Fatalf("reply %d: settled %v", i, ok)
		}
		if ok && (o.target.peer != 2 || o.rtt != 20*time.Millisecond || o.answered != 3) {
			t.Errorf("settled as %+v, want the median 20ms of 3 for peer 2", o)
		}
	}
	if r.allSettled() {
		t.Error("settled, but the first target is open")
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
	if o, ok := r.answer(2, timeout+1); !ok || o.rtt != 7*time.Millisecond || o.answered != 1 || o.late != 1 {
		t.Errorf("a late reply after the verdict: %+v, %v", o, ok)
	}
	if _, ok := r.nextExpiry(); ok || r.allSettled() {
		t.Error("a target whose last echo is not sent has no expiry yet and keeps the round open")
	}
	r.markSent(start)
	out = r.expire(start.Add(timeout), nil)
	if len(out) != 1 || out[0].answered != 0 || !r.allSettled() {
		t.Errorf("expired as %+v, all settled %v; want peer 2 without an answer, and so all", out, r.allSettled())
	}
	if r.over(start.Add(lateLimit-1)) || !r.over(start.Add(lateLimit)) {
		t.Error("a round is over when its last echo can't be answered late any more")
	}
}

func TestALateReplyIsCountedAndTimedApart(t *testing.T) {
	r := filled(1, 3, 3, time.Unix(1000, 0))
	if o, ok := r.answer(0, timeout+1); ok {
		t.Errorf("settled as %+v although two echoes are open", o)
	}
	if o, ok := r.answer(1, timeout); ok {
		t.Errorf("settled as %+v although one echo has no timely answer", o)
	}
	out := r.expire(time.Unix(1010, 0), nil)
	if len(out) != 1 || out[0].rtt != timeout || out[0].answered != 1 || out[0].late != 1 {
		t.Errorf("expired as %+v", out)
	}
	r = filled(1, 2, 2, time.Unix(1000, 0))
	r.expire(time.Unix(1010, 0), nil)
	r.answer(0, 3*timeout)
	if o, ok := r.answer(1, 2*timeout); !ok || o.rtt != 5*timeout/2 || o.answered != 0 || o.late != 2 {
		t.Errorf("with late replies alone: %+v, %v", o, ok)
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
