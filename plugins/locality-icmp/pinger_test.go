package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestLossAndJitterAreThoseOfTheLastTwentyEchoes(t *testing.T) {
	targets := loopback(1)
	var nth int
	n := newNetwork(func(to string, request []byte) []packet {
		if nth++; nth%5 == 0 {
			return nil
		}
		return echoing(time.Duration(1+nth%2)*time.Millisecond)(to, request)
	})
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(time.Minute)
		s, ok := p.sample(targets[0].peer, targets[0].address)
		if !ok || s.Sent != 20 || s.Received != 16 || s.Reason != "" {
			t.Errorf("got %+v, %v", s, ok)
		}
		if s.Jitter < 500*time.Microsecond || s.Jitter > time.Millisecond { // successive ones differ by 1 ms, but for those beside a lost one
			t.Errorf("jitter %s", s.Jitter)
		}
	})
}

func TestAPeerThatDoesNotAnswerHasAReason(t *testing.T) {
	targets := loopback(2)
	n := newNetwork(func(string, []byte) []packet { return nil })
	n.fail = map[string]error{targets[1].address: os.NewSyscallError("sendmmsg", unix.ENETUNREACH)}
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(900 * time.Millisecond)
		if s, ok := p.sample(targets[0].peer, targets[0].address); ok {
			t.Errorf("before the first round is over: %+v", s)
		}
		after(time.Minute)
		wantSample(t, p, targets[0], pluginsdk.RTTSample{Sent: 20, Round: 60, Unanswered: 60, NoAnswer: pluginsdk.NoAnswerTimedOut, Reason: "timed out", Family: pluginsdk.IPv4})
		wantSample(t, p, targets[1], pluginsdk.RTTSample{Round: 60, NoAnswer: pluginsdk.NoAnswerNotSent, Reason: "not sent: network is unreachable", Family: pluginsdk.IPv4})
	})
}

func TestTheFirstSampleComesWithinHundredMilliseconds(t *testing.T) {
	targets := loopback(3)
	bubble(t, newNetwork(echoing(5*time.Millisecond)), hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(100 * time.Millisecond)
		for _, tg := range targets {
			wantRTT(t, p, tg, 5*time.Millisecond)
		}
	})
}

// The current round, spread over the interval, must not delay a new peer.
func TestANewPeerIsPingedAtOnceHoweverLongTheInterval(t *testing.T) {
	targets := loopback(3)
	slow := usual
	slow.interval = time.Hour
	bubbleOf(t, slow, newNetwork(echoing(5*time.Millisecond)), hclog.NewNullLogger(), targets[:2], func(t *testing.T, p *Pinger) {
		after(time.Hour + time.Minute) // in the middle of the second round
		p.SetTargets(targets)
		after(100 * time.Millisecond)
		for _, tg := range targets {
			wantRTT(t, p, tg, 5*time.Millisecond)
		}
	})
}

func TestASilentPeerHasNoSampleAndDelaysNoOther(t *testing.T) {
	targets := loopback(2)
	n := newNetwork(func(to string, request []byte) []packet {
		if to == targets[1].address {
			return nil
		}
		return echoing(time.Millisecond)(to, request)
	})
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(100 * time.Millisecond)
		wantRTT(t, p, targets[0], time.Millisecond)
		after(5 * time.Second)
		wantRTT(t, p, targets[1], 0)
	})
}

func TestAPeerThatStopsAnsweringLosesItsSample(t *testing.T) {
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
		after(3500 * time.Millisecond)
		wantRTT(t, p, targets[0], time.Millisecond)
		n.mu.Lock()
		up = false
		n.mu.Unlock()
		after(3 * time.Second) // the rest of a round, a whole one, and its timeout
		wantRTT(t, p, targets[0], 0)
	})
}

func TestOneLostEchoOnlyNarrowsTheMedian(t *testing.T) {
	targets := loopback(1)
	var nth int
	n := newNetwork(func(to string, request []byte) []packet {
		nth++
		if nth%3 == 0 {
			return nil
		}
		return echoing(time.Duration(nth%3)*10*time.Millisecond)(to, request)
	})
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(1500 * time.Millisecond)
		wantRTT(t, p, targets[0], 15*time.Millisecond)
	})
}

func TestForgedRepliesAreNotSamples(t *testing.T) {
	targets := loopback(1)
	forge := map[string]int{"another cookie": 8, "the end of it": 15, "another slot": 7}
	for name, at := range forge {
		n := newNetwork(func(_ string, request []byte) []packet {
			b := asReply(request, familyV4, 20)
			b[20+at] ^= 7
			return []packet{{after: time.Millisecond, data: b}}
		})
		t.Run(name, func(t *testing.T) {
			bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
				after(4 * time.Second)
				wantRTT(t, p, targets[0], 0)
			})
		})
	}
}

func TestEchoesOfARoundAreSpreadOverTheInterval(t *testing.T) {
	n := newNetwork(echoing(time.Millisecond))
	bubble(t, n, hclog.NewNullLogger(), loopback(1), func(t *testing.T, _ *Pinger) {
		after(1999 * time.Millisecond)
		n.mu.Lock()
		defer n.mu.Unlock()
		if len(n.sent) != 6 {
			t.Fatalf("%d echoes in the first two rounds, want 6", len(n.sent))
		}
		if quick := n.sent[2].Sub(n.sent[0]); quick > 50*time.Millisecond {
			t.Errorf("the first round takes %s", quick)
		}
		for i := 4; i < 6; i++ {
			if gap := n.sent[i].Sub(n.sent[i-1]); gap < 330*time.Millisecond || gap > 340*time.Millisecond {
				t.Errorf("%s between two echoes of the second round, want a third of a second", gap)
			}
		}
	})
}

func TestTheResultOfAnAddressThatChangesOrGoesIsDropped(t *testing.T) {
	targets := loopback(2)
	bubble(t, newNetwork(echoing(time.Millisecond)), hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(100 * time.Millisecond)
		moved := targets[0]
		moved.address = "moved.example"
		p.SetTargets([]target{moved})
		wantRTT(t, p, moved, 0)
		wantRTT(t, p, targets[0], 0)
		wantRTT(t, p, targets[1], 0)
		after(2 * time.Second)
		wantRTT(t, p, moved, time.Millisecond)
		p.SetTargets(nil)
		after(15 * time.Second)
		if len(p.results)+len(p.rounds)+len(p.refused) != 0 {
			t.Errorf("left behind: %v, %v, %v", p.results, p.rounds, p.refused)
		}
		p.SetTargets(targets)
		after(100 * time.Millisecond)
		wantRTT(t, p, targets[1], time.Millisecond)
	})
}

func TestAnAddressTheKernelRefusesIsLoggedOnceAndDelaysNoOther(t *testing.T) {
	var out plugintest.Buffer
	log := hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info})
	targets := loopback(3)
	n := newNetwork(echoing(time.Millisecond))
	n.fail = map[string]error{targets[1].address: os.NewSyscallError("sendmmsg", unix.ENETUNREACH)}
	bubble(t, n, log, targets, func(t *testing.T, p *Pinger) {
		after(5 * time.Second)
		wantRTT(t, p, targets[0], time.Millisecond)
		wantRTT(t, p, targets[1], 0)
		wantRTT(t, p, targets[2], time.Millisecond)
		n.mu.Lock()
		n.fail = nil
		n.mu.Unlock()
		after(5 * time.Second)
		wantRTT(t, p, targets[1], time.Millisecond)
	})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "network is unreachable") || !strings.Contains(lines[1], "again") {
		t.Errorf("logged:\n%s", out.String())
	}
}

func TestAFullSendBufferDelaysButLosesNothing(t *testing.T) {
	targets := loopback(2)
	n := newNetwork(echoing(time.Millisecond))
	n.fail = map[string]error{targets[0].address: unix.EAGAIN}
	bubble(t, n, hclog.NewNullLogger(), targets, func(t *testing.T, p *Pinger) {
		after(10 * time.Millisecond)
		n.mu.Lock()
		n.fail = nil
		n.mu.Unlock()
		after(100 * time.Millisecond)
		wantRTT(t, p, targets[0], time.Millisecond)
		wantRTT(t, p, targets[1], time.Millisecond)
	})
}

func TestABrokenSocketEndsRunWithItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(echoing(time.Millisecond))
		n.SetReadDeadline(time.Time{}) // every read fails from now on
		p := newPinger(usual, [families]*link{familyV4: {batchConn: n, family: familyV4, raw: true}}, hclog.NewNullLogger())
		if err := p.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "IPv4") {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestTargetsAreGroupedByFamily(t *testing.T) {
	l := &link{batchConn: newNetwork(nil), raw: true}
	p := newPinger(usual, [families]*link{l, l}, hclog.NewNullLogger())
	p.SetTargets(append(mixed(4), mixed(4)...))
	if !slices.IsSortedFunc(p.targets, func(a, b target) int { return int(a.family()) - int(b.family()) }) {
		t.Errorf("order: %v", p.targets)
	}
}
