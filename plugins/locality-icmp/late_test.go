package main

import (
	"os"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/pluginsdk"
)

// A peer that is slower than the timeout is slow, not unknown.
func TestLateRepliesCountAsLateWithTheirTime(t *testing.T) {
	for _, rtt := range []time.Duration{1200 * time.Millisecond, 5 * time.Second, 9990 * time.Millisecond} {
		t.Run(rtt.String(), func(t *testing.T) {
			targets := loopback(1)
			bubble(t, newNetwork(echoing(rtt)), hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
				after(rtt + 12*time.Second)
				for range 40 { // whenever one looks
					after(250 * time.Millisecond)
					s, ok := p.sample(targets[0].peer, targets[0].address)
					if !ok || s.RTT != rtt || s.Received != 0 || s.Sent != 20 || s.Unanswered > 1 ||
						s.NoAnswer != 0 || s.Reason != "answers come later than the timeout of 1s" {
						t.Errorf("got %+v", s)
						return
					}
					if rtt < 2*time.Second && s.Late < 15 {
						t.Errorf("%d late", s.Late)
					}
				}
			})
		})
	}
}

func TestRepliesThatComeLaterThanTenSecondsCountForNothing(t *testing.T) {
	targets := loopback(1)
	bubble(t, newNetwork(echoing(10*time.Second+1)), hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		for range 60 {
			after(time.Second)
			if s, _ := p.sample(targets[0].peer, targets[0].address); s.RTT != 0 || s.Late != 0 {
				t.Errorf("got %+v", s)
			}
		}
		if s, _ := p.sample(targets[0].peer, targets[0].address); s.Unanswered < 50 {
			t.Errorf("got %+v", s)
		}
	})
}

// A peer that is usually fast and has one late echo is not slow.
func TestOneLateEchoIsNotTheTimeOfAPeer(t *testing.T) {
	targets := loopback(1)
	var nth int
	n := newNetwork(func(to string, request []byte) []packet {
		nth++
		if 10 <= nth && nth < 13 { // a round that is lost, but for an echo that comes late
			return nil
		}
		if nth == 9 {
			return echoing(3*time.Second)(to, request)
		}
		return echoing(time.Millisecond)(to, request)
	})
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		for range 70 {
			after(100 * time.Millisecond)
			if s, ok := p.sample(targets[0].peer, targets[0].address); ok && s.RTT != 0 && s.RTT != time.Millisecond {
				t.Errorf("got %+v", s)
			}
		}
	})
}

// Rounds are counted by the probe, however often and rarely somebody asks.
func TestUnansweredRoundsAreCountedUntilAReplyComes(t *testing.T) {
	targets := loopback(1)
	up := true
	n := newNetwork(nil)
	n.answer = func(to string, request []byte) []packet {
		if !up {
			return nil
		}
		return echoing(time.Millisecond)(to, request)
	}
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		set := func(v bool) { n.mu.Lock(); up = v; n.mu.Unlock() }
		unanswered := func() uint32 { s, _ := p.sample(targets[0].peer, targets[0].address); return s.Unanswered }
		after(3900 * time.Millisecond)
		set(false)
		for want := range uint32(5) {
			if got := unanswered(); got != want {
				t.Errorf("%d, want %d", got, want)
			}
			if want == 0 {
				after(time.Second)
			}
			after(time.Second)
		}
		set(true)
		after(time.Second)
		if got := unanswered(); got != 0 {
			t.Errorf("%d after a reply", got)
		}
	})
}

// What is not sent does not count, neither for nor against the peer.
func TestRoundsThatWereNotSentAreNotUnanswered(t *testing.T) {
	targets := loopback(1)
	n := newNetwork(func(string, []byte) []packet { return nil })
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(5500 * time.Millisecond)
		before, _ := p.sample(targets[0].peer, targets[0].address)
		n.mu.Lock()
		n.fail = map[string]error{targets[0].address: os.NewSyscallError("sendmmsg", unix.ENETUNREACH)}
		n.mu.Unlock()
		after(time.Minute)
		s, _ := p.sample(targets[0].peer, targets[0].address)
		if s.NoAnswer != pluginsdk.NoAnswerNotSent || s.Sent != 0 || s.Unanswered > before.Unanswered+2 {
			t.Errorf("before %+v, then %+v", before, s)
		}
	})
}
