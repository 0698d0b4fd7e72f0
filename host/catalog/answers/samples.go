package answers

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// rttMax is longer than any round trip takes; above it, a clock is broken.
const rttMax = 10 * time.Minute

// RTT returns the round-trip times, and what goes with them, that can be true.
func RTT(in *pluginv1.RttSamples, peers *Peers) (mesh.RTTAnswer, Discarded, error) {
	var bad Discarded
	ids := in.GetPeers()
	if err := equalColumns(len(ids),
		column{"rtt_ns", len(in.GetRttNs()), false}, column{"sent", len(in.GetSent()), true},
		column{"received", len(in.GetReceived()), true}, column{"jitter_ns", len(in.GetJitterNs()), true},
		column{"reasons", len(in.GetReasons()), true}, column{"late", len(in.GetLate()), true},
		column{"rounds", len(in.GetRounds()), true}, column{"unanswered", len(in.GetUnanswered()), true},
		column{"no_answer", len(in.GetNoAnswer()), true}, column{"families", len(in.GetFamilies()), true}); err != nil {
		return mesh.RTTAnswer{}, bad, err
	}
	out := mesh.RTTAnswer{Samples: make([]mesh.RTTSample, len(ids)), Complete: in.GetComplete()}
	kept, nodes := 0, newSubjects(peers)
	for n, id := range ids {
		sample := &out.Samples[kept] // a sample that is discarded is overwritten by the next
		*sample = mesh.RTTSample{Peer: mesh.NodeID(id), RTT: time.Duration(in.RttNs[n])}
		e := &sample.Echoes
		e.Sent, e.Received, e.Late = at(in.Sent, n), at(in.Received, n), at(in.Late, n)
		e.Round, e.Unanswered = at(in.Rounds, n), at(in.Unanswered, n)
		e.Jitter, e.Reason = time.Duration(at(in.JitterNs, n)), reasonOf(at(in.Reasons, n))
		if keep(sample, at(in.NoAnswer, n), at(in.Families, n), nodes, &bad) {
			kept++
		}
	}
	out.Samples = out.Samples[:kept]
	return out, bad, nil
}

// keep completes a sample, and reports whether it can be true and is the first of its peer.
func keep(s *mesh.RTTSample, why meshosv1.NoAnswer, family meshosv1.AddressFamily, nodes *subjects, bad *Discarded) bool {
	if why < 0 || why > meshosv1.NoAnswer_NO_ANSWER_NOT_SENT {
		bad.Add("unknown value of no_answer", "peer %d: %d", s.Peer, why)
		return false
	}
	s.NoAnswer, s.Family = mesh.NoAnswer(why), familyOf(family)
	return (usual(s) || goodSample(s, bad)) && nodes.take(s.Peer, bad)
}

// usual reports whether a sample is like most: answered, and within all bounds.
func usual(s *mesh.RTTSample) bool {
	return uint64(s.RTT-1) < uint64(rttMax) && uint64(s.Jitter) <= uint64(rttMax) &&
		s.Received > 0 && uint64(s.Received)+uint64(s.Late) <= uint64(s.Sent)
}

// goodSample reports whether a sample can be true, and counts it as discarded if not.
func goodSample(s *mesh.RTTSample, bad *Discarded) bool {
	answered := uint64(s.Received) + uint64(s.Late)
	switch {
	case answered > uint64(s.Sent):
		bad.Add("more echoes answered than sent", "peer %d: %d of %d", s.Peer, answered, s.Sent)
	case s.RTT > 0 && s.Sent > 0 && answered == 0 && s.Round == 0: // else it may be that of a round before these echoes
		bad.Add("an rtt although no echo was answered", "peer %d: %v", s.Peer, s.RTT)
	case s.Jitter < 0 || s.Jitter > rttMax:
		bad.Add("jitter outside of 0 … "+rttMax.String(), "peer %d: %v", s.Peer, s.Jitter)
	case s.RTT == 0 && (s.Sent > 0 || s.Reason != "" || s.NoAnswer != mesh.NoAnswerUnknown):
		return true // the peer did not answer
	default:
		return goodRTT(s.Peer, s.RTT, bad)
	}
	return false
}

// at returns the value of a column that may be left out.
func at[T any](column []T, n int) (value T) {
	if n < len(column) {
		value = column[n]
	}
	return value
}

// reasonMax bounds a reason, in bytes.
const reasonMax = 200

// reasonOf returns a reason as it may be shown. Most are the same few texts again.
func reasonOf(text string) string {
	if text == "" {
		return ""
	}
	return plaintext.Clean(text, reasonMax)
}

// goodRTT reports whether a round-trip time can be true, and counts it as discarded if
// not.
func goodRTT(peer mesh.NodeID, rtt time.Duration, bad *Discarded) bool {
	switch {
	case rtt <= 0:
		bad.Add("rtt not above zero", "peer %d: %v", peer, rtt)
	case rtt > rttMax:
		bad.Add("rtt above "+rttMax.String(), "peer %d: %v", peer, rtt)
	default:
		return true
	}
	return false
}

// Health returns the verdicts that can be true, with their reasons.
func Health(in *pluginv1.HealthSamples, peers *Peers) (mesh.HealthAnswer, Discarded, error) {
	var bad Discarded
	ids, values := in.GetPeers(), in.GetHealth()
	if err := equalColumns(len(ids),
		column{"health", len(values), false}, column{"reasons", len(in.GetReasons()), true},
		column{"families", len(in.GetFamilies()), true}); err != nil {
		return mesh.HealthAnswer{}, bad, err
	}
	out := mesh.HealthAnswer{Samples: make([]mesh.HealthSample, 0, len(ids)), Complete: in.GetComplete()}
	nodes := newSubjects(peers)
	for n, id := range ids {
		peer := mesh.NodeID(id)
		health, ok := healthOf(values[n])
		switch {
		case !ok:
			bad.Add("unknown value of health", "peer %d: %d", peer, values[n])
		case nodes.take(peer, &bad):
			out.Samples = append(out.Samples, mesh.HealthSample{
				Peer: peer, Health: health, Reason: reasonOf(at(in.GetReasons(), n)), Family: familyOf(at(in.GetFamilies(), n)),
			})
		}
	}
	return out, bad, nil
}

// healthOf returns the verdict of a value. "Unspecified" is not a verdict.
func healthOf(v meshosv1.NodeHealth) (mesh.NodeHealth, bool) {
	switch v {
	case meshosv1.NodeHealth_NODE_HEALTH_HEALTHY:
		return mesh.HealthHealthy, true
	case meshosv1.NodeHealth_NODE_HEALTH_DEGRADED:
		return mesh.HealthDegraded, true
	case meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE:
		return mesh.HealthUnreachable, true
	}
	return mesh.HealthUnknown, false
}

// familyOf returns a family; one that is not known is not said.
func familyOf(f meshosv1.AddressFamily) mesh.Family {
	if f := mesh.Family(f); f.Known() {
		return f
	}
	return mesh.FamilyUnknown
}

// column is one column of an answer.
type column struct {
	name     string
	length   int
	optional bool // it may be left out
}

// equalColumns returns an error for an answer whose columns differ in length: nobody knows
// which of its values belong together.
func equalColumns(peers int, columns ...column) error {
	for _, c := range columns {
		if c.length != peers && !(c.optional && c.length == 0) {
			return fmt.Errorf("%d peers but %d %s", peers, c.length, c.name)
		}
	}
	return nil
}
