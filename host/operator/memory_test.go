package operator

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// accepting is a memory that accepts commands at given times.
type accepting struct {
	*memory
	policy rules.Policy
	count  uint64
}

func newAccepting() *accepting {
	return &accepting{memory: newMemory(), policy: rules.Policy{Freshness: 5 * time.Minute, FutureSkew: 30 * time.Second}}
}

func (a *accepting) accept(now time.Time) rules.Command {
	a.count++
	c := rules.Command{Event: mesh.Cordon{Node: 1}, IssuedAt: now}
	binary.BigEndian.PutUint64(c.Nonce[:], a.count)
	a.take(accepted(a.policy, c, now))
	return c
}

func TestB22_ForgettingOldCommandsBringsNoneBack(t *testing.T) {
	t.Parallel()
	a := newAccepting()
	now := time.UnixMilli(1_790_000_000_000)
	first := a.accept(now)
	var last rules.Command
	for range maxStale + 100 {
		now = now.Add(10 * time.Second)
		last = a.accept(now)
		a.prune(a.policy, now)
	}
	if _, known := a.nonces[first.Nonce]; known {
		t.Fatal("the first command is still known: nothing is proven")
	}
	for name, c := range map[string]rules.Command{"first": first, "last": last} {
		if a.checkNonce(c) == nil {
			t.Errorf("the %s command is new", name)
		}
	}
	again := newMemory()
	for _, e := range a.entries() {
		again.take(e)
	}
	if again.checkNonce(first) == nil {
		t.Error("the first command is new after a restart")
	}
	if r := again.checkNonce(rules.Command{IssuedAt: now.Add(-a.policy.Freshness)}); r != nil {
		t.Errorf("a new command is turned away: %v", r)
	}
}

// TestB22_AClockThatWasAheadLocksNobodyOut has commands accepted while the clock is a
// year ahead, so long that the first ones are too old, and then the clock put right.
func TestB22_AClockThatWasAheadLocksNobodyOut(t *testing.T) {
	a := newAccepting()
	right := time.UnixMilli(1_790_000_000_000)
	before := a.accept(right)
	ahead := right.AddDate(1, 0, 0)
	early := a.accept(ahead)
	a.prune(a.policy, ahead.Add(time.Hour))
	late := a.accept(ahead.Add(time.Hour))
	a.prune(a.policy, ahead.Add(2*time.Hour))
	now := right.Add(3 * time.Hour)
	a.prune(a.policy, now)
	if r := a.checkNonce(rules.Command{IssuedAt: now}); r != nil {
		t.Errorf("a new command is turned away once the clock is right: %v", r)
	}
	for _, c := range []rules.Command{before, early, late} {
		if a.checkNonce(c) == nil {
			t.Errorf("the command of %v counts twice", c.IssuedAt)
		}
	}
}

func TestP5_TheMemoryIsBounded(t *testing.T) {
	t.Parallel()
	a := newAccepting()
	now := time.UnixMilli(1_790_000_000_000)
	for range maxStale + 300 { // more than there is room for, and those that are fresh
		now = now.Add(10 * time.Second)
		a.accept(now)
		a.prune(a.policy, now)
	}
	if n, fresh := len(a.entries()), 32; n > maxStale+fresh {
		t.Errorf("%d entries, of %d that are fresh", n, fresh)
	}
	for range maxNonces + 10 { // all at once
		a.accept(now)
	}
	a.prune(a.policy, now)
	if n := len(a.nonces); n > maxNonces {
		t.Errorf("%d nonces", n)
	}
}
