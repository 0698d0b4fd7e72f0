package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/testkit"
)

func TestTheTimeOfSendingIsThatOfThePacket(t *testing.T) {
	before := time.Now()
	ms := func(n int) time.Time { return before.Add(time.Duration(n) * time.Millisecond) }
	d, r := newDepartures(), filled(4, 1, 4, before)
	for slot := range 4 {
		d.sent(r, slot, before)
	}
	d.stamp(1, ms(7).Round(0), ms(9))
	d.stamp(2, ms(10).Round(0), ms(9))         // after it was read: the clock was stepped
	d.stamp(3, ms(-3_600_000).Round(0), ms(9)) // before it was sent
	d.stamp(4, ms(7).Round(0), ms(9))          // of no packet
	for slot, want := range []time.Time{ms(0), ms(7), ms(2), ms(3)} {
		if !r.sent[slot].Equal(want) || r.exact[slot] != (slot == 1) {
			t.Errorf("echo %d: sent %s after the call, exact %v", slot, r.sent[slot].Sub(before), r.exact[slot])
		}
	}
	d.stamp(1, ms(8).Round(0), ms(9))
	if !r.sent[1].Equal(ms(7)) {
		t.Error("a second timestamp counts")
	}
}

func TestDeparturesAreNumberedAnewAfterAnEchoThatWasNotSent(t *testing.T) {
	before := time.Now()
	d, r := newDepartures(), filled(2, 1, 2, before)
	d.sent(r, 0, before)
	d.lost(func() bool { return true })
	d.sent(r, 1, before)
	d.stamp(0, before.Add(time.Microsecond).Round(0), before.Add(time.Second))
	if r.exact[0] || !r.exact[1] {
		t.Errorf("exact: %v", r.exact)
	}
	d.lost(func() bool { return false })
	if got := d.batch(); got != 1 {
		t.Errorf("without numbers %d echoes go in one call: nobody knows when each was sent", got)
	}
}

func TestEchoesAreSentOneByOneWhereTheInterfaceHasNoTimestamps(t *testing.T) {
	d, r := newDepartures(), filled(1, 1, 1, time.Now())
	if got := d.batch(); got != sendBatch {
		t.Errorf("a batch of %d", got)
	}
	d.answered(true)
	d.answered(false)
	for range closeEchoes {
		if got := d.batch(); got != 1 {
			t.Fatalf("a batch of %d", got)
		}
		d.sent(r, 0, time.Now())
	}
	if got := d.batch(); got != sendBatch {
		t.Errorf("it is not tried again: a batch of %d", got)
	}
	if got := (&departures{}).batch(); got != 1 {
		t.Errorf("without timestamps a batch of %d", got)
	}
}

// On both kinds of sockets the kernel says when each echo left, also after echoes that it
// refused to send.
func TestTheKernelSaysWhenEachEchoLeft(t *testing.T) {
	check := func(t *testing.T, links [families]*link) {
		t.Helper()
		targets, broadcast := loopback(300), netip.AddrFrom4([4]byte{255, 255, 255, 255})
		refused := targets[100]
		refused.addr, refused.address = broadcast, broadcast.String()
		targets[100] = refused
		p := newPinger(settings{interval: 100 * time.Millisecond, timeout: time.Second, count: 2, size: usualSize}, links, hclog.NewNullLogger())
		p.SetTargets(targets)
		run(t, p)
		testkit.Until(t, "three rounds are over", func() bool { return lastRound(p, targets) >= 3 })
		p.mu.Lock()
		defer p.mu.Unlock()
		exact, without := 0, 0
		for _, round := range p.rounds {
			for slot := range round.next {
				switch {
				case round.exact[slot]:
					exact++
				case round.target(slot).addr != broadcast && round.rtts[slot] > 0:
					without++ // this thread had to wait between its readings of both clocks
				}
			}
		}
		if exact < 1000 || without > exact/100 {
			t.Errorf("%s: %d timestamps, %d echoes without", links[familyV4].mode(), exact, without)
		}
	}
	if links, ok := openV4(t); ok {
		check(t, links)
	}
	if ping := pingInNamespace(t); ping != nil {
		check(t, [families]*link{familyV4: ping})
	}
}
