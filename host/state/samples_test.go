package state_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/statetest"
)

const ms = time.Millisecond

// complete is a complete answer of round-trip times.
func complete(probe string, rtt ...mesh.RTTSample) mesh.Samples {
	return mesh.Samples{Probe: probe, RTT: rtt, RTTComplete: true}
}

// completeHealth is a complete answer of verdicts.
func completeHealth(probe string, health ...mesh.HealthSample) mesh.Samples {
	return mesh.Samples{Probe: probe, Health: health, HealthComplete: true}
}

func TestB17_AnRTTGoesWhenItsProbeAnswersWithoutThePeer(t *testing.T) {
	w := newWorld(t)
	w.samples(complete("p", mesh.RTTSample{Peer: 1, RTT: ms}, mesh.RTTSample{Peer: 2, RTT: ms}))
	w.to(1).samples(rttOf(2, 2)) // not complete: says nothing of peer 1
	w.samples(mesh.Samples{Probe: "p", RTTComplete: true, Err: "hung"})
	w.samples(complete("q", mesh.RTTSample{Peer: 2, RTT: 3 * ms}))
	w.samples(completeHealth("p")) // of another kind
	equal(t, "known", w.peer(1).HasRTT, true)
	w.samples(complete("p"))
	if _, known := w.s.Peer(1); known {
		t.Error("an empty complete answer should drop what the probe said, and the peer with it")
	}
	equal(t, "another probe said it last", w.peer(2).RTT, 3*ms)
}

func TestB17_HealthGoesWhenItsProbeAnswersWithoutThePeer(t *testing.T) {
	w := newWorld(t)
	down := func(peer mesh.NodeID) mesh.HealthSample {
		return mesh.HealthSample{Peer: peer, Health: mesh.HealthUnreachable, Reason: "timed out"}
	}
	w.samples(completeHealth("h", down(1), down(2)))
	w.hear(down(3))
	w.to(1).samples(mesh.Samples{Probe: "h", Health: []mesh.HealthSample{down(2)}})
	equal(t, "an answer in part", w.peer(1).Health, mesh.HealthUnreachable)
	w.samples(completeHealth("h", down(2)))
	if _, known := w.s.Peer(1); known {
		t.Error("a verdict that its probe no longer has should go")
	}
	w.samples(completeHealth("h"))
	equal(t, "health", w.peer(2).Health, mesh.HealthUnknown)
	equal(t, "what came as an event", w.peer(3).Health, mesh.HealthUnreachable)
}

func TestB17_NoAnswerIsSaidAndReplacesTheRTT(t *testing.T) {
	w := newWorld(t)
	lost := mesh.RTTSample{Peer: 1, Echoes: mesh.Echoes{Sent: 20, Received: 17, Jitter: ms, Reason: "timed out"}}
	w.samples(mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 1, RTT: ms, Echoes: mesh.Echoes{Sent: 20, Received: 20}}}})
	w.samples(mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{lost}})
	p := w.peer(1)
	equal(t, "has RTT", p.HasRTT, false)
	equal(t, "echoes", p.Echoes, lost.Echoes)

	// The time that came from elsewhere stays.
	w.hear(mesh.RTTSample{Peer: 2, RTT: 5 * ms})
	w.samples(mesh.Samples{Probe: "q", RTT: []mesh.RTTSample{{Peer: 3, RTT: 7 * ms}}})
	for _, peer := range []mesh.NodeID{2, 3} {
		lost.Peer = peer
		w.samples(mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{lost}})
		equal(t, "has RTT", w.peer(peer).HasRTT, true)
	}

	w.tick(60)
	if _, known := w.s.Peer(1); known {
		t.Error("what no probe renewed should be gone, and the peer with it")
	}
	equal(t, "rtt of the event", w.peer(2).RTT, 5*ms)
	equal(t, "echoes", w.peer(2).Echoes, mesh.Echoes{})
}

// A reading that is renewed must not go with an older one of the same probe.
func TestB17_EchoesThatAreRenewedStay(t *testing.T) {
	w := newWorld(t)
	w.samples(rttOf(1, 20))
	for at := 1.0; at <= 100; at++ {
		w.to(at).samples(mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 1, Echoes: mesh.Echoes{Sent: 3, Reason: "timed out"}}}})
		w.tick(at)
		equal(t, "sent", w.peer(1).Echoes.Sent, 3)
	}
}

func TestSinceWhenAndWhyAPeerIsNotHealthy(t *testing.T) {
	w := newWorld(t)
	say := func(h mesh.NodeHealth, reason string) {
		w.samples(mesh.Samples{Probe: "h", Health: []mesh.HealthSample{{Peer: 1, Health: h, Reason: reason}}})
	}
	check := func(reason string, since float64) {
		t.Helper()
		p := w.peer(1)
		equal(t, "reason", p.HealthReason, reason)
		equal(t, "since", p.HealthSince, sec(since))
	}
	w.to(1)
	say(mesh.HealthHealthy, "")
	w.to(5)
	say(mesh.HealthHealthy, "")
	check("", 1)
	w.to(7)
	say(mesh.HealthUnreachable, "timed out")
	w.to(9)
	say(mesh.HealthUnreachable, "refused")
	check("refused", 7)
	w.to(11)
	say(mesh.HealthHealthy, "")
	check("", 11)
}

// What probes said of peers is what their answers add up to: an answer that is complete takes back
// what the probe had said of others, and nothing that others said.
func TestAnswersOfProbesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, at := newState(), statetest.Start()
		says := map[string]map[mesh.NodeID]bool{"a": {}, "b": {}} // of whom
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			in := mesh.Samples{Probe: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "probe"), HealthComplete: rapid.Bool().Draw(t, "complete")}
			if in.HealthComplete {
				clear(says[in.Probe])
			}
			for _, id := range rapid.SliceOfN(rapid.IntRange(1, 300), 0, 90).Draw(t, "peers") {
				if mesh.NodeID(id) == this {
					continue
				}
				says[in.Probe][mesh.NodeID(id)] = true
				in.Health = append(in.Health, mesh.HealthSample{Peer: mesh.NodeID(id), Health: mesh.HealthHealthy})
				in.RTT = append(in.RTT, mesh.RTTSample{Peer: mesh.NodeID(id), RTT: time.Millisecond})
			}
			in.RTTComplete = in.HealthComplete
			s.Apply(at, in)
			for id := mesh.NodeID(1); id <= 300; id++ {
				p, known := s.Peer(id)
				if want := says["a"][id] || says["b"][id]; known != want || known && p.Health != mesh.HealthHealthy {
					t.Fatalf("peer %d: known %v as %+v, want %v", id, known, p, want)
				}
			}
		}
	})
}
