package reconcile_test

import (
	"testing"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

func rtt(peer mesh.NodeID, ms int) mesh.Event {
	return mesh.RTTSample{Peer: peer, RTT: time.Duration(ms) * time.Millisecond}
}

func probed(w *world, peer mesh.NodeID, ms int) {
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: peer, RTT: time.Duration(ms) * time.Millisecond}}})
}

const ms500 = 500 * time.Millisecond

const slow5 = "avoid 5 for 5m0s: rtt 500 ms is above 250ms"

func TestCore185_ASlowPeerIsMarked(t *testing.T) {
	newWorld(t).hear(rtt(5, 500), rtt(6, 20)).expect(0, slow5)
}

func TestCore187_188_NotWhileItIsAvoided(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	w.succeed(w.expect(0, slow5)...)
	w.expect(10)
	w.expect(299)
	w.expect(300, slow5) // B2: still slow when its entry expires
}

func TestCore190_ThresholdAndTTLAreConfigurable(t *testing.T) {
	w := newWorld(t, func(b *state.Boot) {
		b.Policy.DegradedRTT, b.Policy.AvoidTTL = 100*time.Millisecond, time.Minute
	})
	w.hear(rtt(5, 150)).expect(0, "avoid 5 for 1m0s: rtt 150 ms is above 100ms")
}

func TestCore191_TheThresholdItselfIsNotSlow(t *testing.T) {
	newWorld(t).hear(rtt(5, 250)).expect(0)
}

func TestCore193_AfterAFlushASlowPeerIsMarkedAgain(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	w.succeed(w.expect(0, slow5)...)
	w.to(6).admin(mesh.FlushAvoidLists{Global: true})
	w.expect(6, slow5)
}

func TestB2_OnlyASuccessPutsAPeerOnTheList(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	out := w.expect(0, slow5)
	if w.s.Avoids(5) {
		t.Error("on the list before the outcome")
	}
	w.succeed(out...)
	if !w.s.Avoids(5) {
		t.Error("not on the list after it")
	}
}

func TestAReportedRTTCountsOnceAlthoughAProbeMeasuresInBetween(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	probed(w, 5, 1)
	w.succeed(w.expect(0, slow5)...)
	probed(w, 5, 1)
	w.expect(400) // the entry expired, and the peer is fast
	w.hear(rtt(5, 500), rtt(5, 2))
	w.expect(401)
}

func TestAReportedRTTIsKeptWhileTheClusterIsFrozen(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500)).admin(mesh.FreezeCluster{TTL: 10 * time.Second})
	probed(w, 5, 1)
	w.expect(1)
	probed(w, 5, 1)
	w.expect(10, slow5)
}

// measured folds a measurement of a probe that numbers its rounds.
func measured(w *world, at float64, r mesh.RTTSample) *world {
	w.to(at)
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{r}})
	return w
}

// took is a measurement of peer 5.
func took(round uint64, d time.Duration, received uint32) mesh.RTTSample {
	return mesh.RTTSample{Peer: 5, RTT: d, Echoes: mesh.Echoes{Sent: 20, Received: received, Round: round}}
}

func nothing(round uint64, unanswered uint32) mesh.RTTSample {
	return mesh.RTTSample{Peer: 5, Echoes: mesh.Echoes{
		Sent: 20, Round: round, Unanswered: unanswered, NoAnswer: mesh.NoAnswerTimedOut, Reason: "timed out",
	}}
}

const lost5 = "avoid 5 for 5m0s: lost: no answer in 3 rounds: timed out"

func TestB26_APeerThatProbesFindSlowForAWhileIsMarked(t *testing.T) {
	w := newWorld(t)
	measured(w, 0, took(1, ms500, 20)).expect(0)
	measured(w, 2.9, took(2, ms500, 20)).expect(2.9)
	measured(w, 3, took(3, ms500, 20)).expect(3, slow5+" for 3s")
}

func TestB26_OneSlowSecondAvoidsNobody(t *testing.T) {
	w := newWorld(t)
	for round := range uint64(20) {
		d := ms500
		if round%4 == 3 { // slow for two seconds, then well once
			d = time.Millisecond
		}
		measured(w, float64(round), took(round+1, d, 20)).expect(float64(round))
	}
}

func TestB26_AMeasurementThatIsSeenAgainCountsOnce(t *testing.T) {
	w := newWorld(t)
	for tick := range 20 {
		measured(w, float64(tick), took(7, ms500, 20)).expect(float64(tick))
	}
	measured(w, 20, took(8, ms500, 20)).expect(20, slow5+" for 20s")

	// Of a probe that does not number them, each answer is one.
	w = newWorld(t)
	for tick := range 3 {
		measured(w, float64(tick), took(0, ms500, 20)).expect(float64(tick))
	}
	measured(w, 3, took(0, ms500, 20)).expect(3, slow5+" for 3s")
}

func TestB26_ALateAnswerIsSlow(t *testing.T) {
	w := newWorld(t)
	late := func(round uint64) mesh.RTTSample {
		return mesh.RTTSample{Peer: 5, RTT: 1200 * time.Millisecond, Echoes: mesh.Echoes{Sent: 20, Late: 20, Round: round, Reason: "later than 1s"}}
	}
	measured(w, 0, nothing(1, 1)).expect(0)
	measured(w, 1, late(1)).expect(1) // the answers of the same round came
	measured(w, 2, late(2)).expect(2)
	measured(w, 3, late(3)).expect(3, "avoid 5 for 5m0s: rtt 1200 ms is above 250ms for 3s")
}

func TestB26_LossAvoidsToo(t *testing.T) {
	w := newWorld(t)
	for n := range 4 {
		measured(w, float64(n), took(uint64(n+1), time.Millisecond, 16)).expect(float64(n)) // 20 % is not above 20 %
	}
	for n := 4; n < 7; n++ {
		measured(w, float64(n), took(uint64(n+1), time.Millisecond, 15)).expect(float64(n))
	}
	measured(w, 7, took(8, time.Millisecond, 15)).expect(7,
		"avoid 5 for 5m0s: 5 of its last 20 echoes were not answered in time, more than 20 %")
}

func TestB26_OneLostEchoOfAFewIsNotLoss(t *testing.T) {
	w := newWorld(t)
	for n := range 20 {
		measured(w, float64(n), mesh.RTTSample{Peer: 5, RTT: time.Millisecond, Echoes: mesh.Echoes{Sent: 3, Received: 2, Round: uint64(n + 1)}})
		w.expect(float64(n))
	}
}

func TestB26_NoAnswerForThreeRoundsIsLost(t *testing.T) {
	w := newWorld(t)
	measured(w, 0, took(1, time.Millisecond, 20)).expect(0)
	measured(w, 1, nothing(2, 1)).expect(1)
	measured(w, 2, nothing(3, 2)).expect(2)
	measured(w, 2.5, nothing(3, 2)).expect(2.5)
	measured(w, 3, nothing(4, 3))
	w.succeed(w.expect(3, lost5)...)
	measured(w, 4, nothing(5, 4)).expect(4)
	measured(w, 303, nothing(300, 300)).expect(303, "avoid 5 for 5m0s: lost: no answer in 300 rounds: timed out")
}

// A node that ticks more rarely than its probe measures misses no round.
func TestB26_TheProbeCountsTheRoundsThatNoTickSaw(t *testing.T) {
	w := newWorld(t)
	measured(w, 0, took(1, time.Millisecond, 20)).expect(0)
	measured(w, 5, nothing(9, 8)).expect(5, "avoid 5 for 5m0s: lost: no answer in 8 rounds: timed out")
}

func TestB26_AProbeThatNumbersNothingIsCountedByItsAnswers(t *testing.T) {
	w := newWorld(t)
	for n := range 2 {
		measured(w, float64(n), nothing(0, 0)).expect(float64(n))
	}
	measured(w, 2, nothing(0, 0)).expect(2, lost5)
}

func TestB26_NotSentIsNeverLoss(t *testing.T) {
	unsent := func(round uint64, why mesh.NoAnswer, sent uint32) mesh.RTTSample {
		return mesh.RTTSample{Peer: 5, Echoes: mesh.Echoes{Sent: sent, Round: round, NoAnswer: why, Reason: why2(why)}}
	}
	for _, why := range []mesh.NoAnswer{mesh.NoAnswerNotSent, mesh.NoAnswerNoSuchName} {
		for _, numbered := range []uint64{0, 1} {
			w := newWorld(t)
			measured(w, 0, took(numbered, time.Millisecond, 20)).expect(0)
			for n := range 20 {
				measured(w, float64(n+1), unsent(numbered*uint64(n+2), why, 20)).expect(float64(n + 1))
			}
			if p, _ := w.s.Peer(5); p.Echo != state.EchoUnknown || p.HasRTT {
				t.Errorf("%v: echo state %d, has RTT %v", why, p.Echo, p.HasRTT)
			}
		}
	}
	// Neither is a reason alone, of a probe that says no more.
	w := newWorld(t)
	for n := range 10 {
		measured(w, float64(n), mesh.RTTSample{Peer: 5, Echoes: mesh.Echoes{Reason: "no such name"}}).expect(float64(n))
	}
}

func why2(why mesh.NoAnswer) string {
	if why == mesh.NoAnswerNotSent {
		return "not sent: network is unreachable"
	}
	return "no such name"
}

func TestB26_OneWhoseEchoesAreFilteredIsNotAvoidedWhileItIsHealthy(t *testing.T) {
	w := newWorld(t)
	health := func(at float64, h mesh.NodeHealth) {
		w.to(at)
		w.s.Apply(stamp(w.at), mesh.Samples{Probe: "h", Health: []mesh.HealthSample{{Peer: 5, Health: h}}})
	}
	for n := range 10 {
		health(float64(n), mesh.HealthHealthy)
		measured(w, float64(n), nothing(uint64(n+1), uint32(n+1))).expect(float64(n))
	}
	if p, _ := w.s.Peer(5); p.Echo != state.EchoSilent || p.EchoReason(w.s.Policy()) != "does not answer echoes, but its health checks" {
		t.Errorf("echo state %d: %s", p.Echo, p.EchoReason(w.s.Policy()))
	}
	health(10, mesh.HealthUnreachable)
	measured(w, 10, nothing(11, 11))
	w.succeed(w.expect(10, "avoid 5 for 5m0s: lost: no answer in 11 rounds: timed out")...)
	for at := 11; at <= 72; at++ {
		health(float64(at), mesh.HealthHealthy)
		measured(w, float64(at), nothing(uint64(at+1), uint32(at+1))).expect(float64(at))
		if got, want := w.s.Avoids(5), at < 71; got != want {
			t.Fatalf("at %d s avoided is %v", at, got)
		}
	}
}

func TestB26_OneThatAnsweredEchoesBeforeIsLostThoughItIsHealthy(t *testing.T) {
	w := newWorld(t)
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "h", Health: []mesh.HealthSample{{Peer: 5, Health: mesh.HealthHealthy}}})
	measured(w, 0, took(1, time.Millisecond, 20)).expect(0)
	measured(w, 3, nothing(4, 3)).expect(3, lost5)
}

func TestB26_APeerThatIsWellAgainIsLetOutEarly(t *testing.T) {
	for name, c := range map[string]struct {
		d        time.Duration
		received uint32
		want     bool
	}{
		"well":                       {199 * time.Millisecond, 19, true},
		"not below 0.8 of the limit": {200 * time.Millisecond, 20, false},
		"half of the loss":           {time.Millisecond, 18, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			measured(w, 0, nothing(3, 3))
			w.succeed(w.expect(0, lost5)...)
			for at := 1; at <= 61; at++ {
				if !w.s.Avoids(5) {
					t.Fatalf("let out after %d s", at-1)
				}
				measured(w, float64(at), took(uint64(at+3), c.d, c.received)).expect(float64(at))
			}
			if got := !w.s.Avoids(5); got != c.want {
				t.Errorf("let out: %v", got)
			}
		})
	}
}

// An RTT that was published is judged at once and stays, whatever probes say.
func TestB26_AnEntryBecauseOfAPublishedRTTIsNotLetOutEarly(t *testing.T) {
	w := newWorld(t).hear(rtt(5, 500))
	w.succeed(w.expect(0, slow5)...)
	for at := 1; at < 300; at++ {
		measured(w, float64(at), took(uint64(at), time.Millisecond, 20)).expect(float64(at))
		if !w.s.Avoids(5) {
			t.Fatalf("let out after %d s", at)
		}
	}
}

func TestB26_OneProbeThatGetsAnswersIsEnough(t *testing.T) {
	w := newWorld(t)
	for n := range 10 {
		measured(w, float64(n), nothing(uint64(n+1), uint32(n+1)))
		w.s.Apply(stamp(w.at), mesh.Samples{Probe: "q", RTT: []mesh.RTTSample{{Peer: 5, RTT: time.Millisecond}}})
		w.expect(float64(n))
	}
	w.to(20)
	w.s.Apply(stamp(w.at), mesh.Samples{Probe: "q", RTTComplete: true}) // it does not measure the peer any more
	w.expect(20, "avoid 5 for 5m0s: lost: no answer in 10 rounds: timed out")
}

func TestB26_WhenMostPeersAreLostAtOnceThisNodeMayBeCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		lost []float64 // when which of peers 5 to 8 is lost
		want int       // how many within 10 s; 0 if the node is not said to be cut off
	}{
		"three of four within 10 s": {[]float64{1, 5, 11}, 3},
		"all at once":               {[]float64{1, 1, 1, 1}, 4},
		"one after the other":       {[]float64{1, 5, 12, 20}, 0},
		"half of them":              {[]float64{1, 1}, 0},
		"the later three":           {[]float64{1, 30, 31, 32}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			round := func(at float64, back bool) {
				in := mesh.Samples{Probe: "p"}
				for n := range 4 {
					r := took(uint64(at+1), time.Millisecond, 20)
					if n < len(c.lost) && c.lost[n] <= at && !back {
						r = nothing(uint64(at+1), 3)
					}
					r.Peer += mesh.NodeID(n)
					in.RTT = append(in.RTT, r)
				}
				w.to(at)
				w.s.Apply(stamp(w.at), in)
				w.s.Tick(stamp(w.at))
			}
			for at := range 40 {
				round(float64(at), false)
			}
			got, cut := w.s.CutOff()
			if cut != (c.want > 0) || cut && (got.Lost != c.want || got.Peers != 4) {
				t.Errorf("got %v, %+v", cut, got)
			}
			round(40, true)
			if got, cut := w.s.CutOff(); cut {
				t.Errorf("all are back: %+v", got)
			}
		})
	}
}
