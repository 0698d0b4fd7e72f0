package mesh

import "time"

// RTTSample is one measured round-trip time, with what else its probe measured.
type RTTSample struct {
	Peer NodeID
	RTT  time.Duration // 0 in the answer of a probe whose last round got no answer
	Echoes
}

// Echoes is what became of the echoes to a peer in the last rounds of a probe. The zero
// value means that the probe does not say.
type Echoes struct {
	Sent, Received uint32        // Received are those that were answered in time,
	Late           uint32        // and these after the probe's timeout
	Jitter         time.Duration // mean difference of successive round-trip times
	Round          uint64        // changes with each measurement; 0: the probe does not number them
	Unanswered     uint32        // rounds in a row that were sent and not answered at all
	NoAnswer       NoAnswer      // of the last round
	Family         Family        // by which the peer was measured
	Reason         string        // why there is no round-trip time in time, for people
}

// NoAnswer is why the last round of a probe got no answer.
type NoAnswer uint8

// The reasons, in the contract's order. NoAnswerUnknown also stands for an answer.
const (
	NoAnswerUnknown NoAnswer = iota
	NoAnswerTimedOut
	NoAnswerUnreachable // a router or the peer's machine says so
	NoAnswerNoSuchName  // nothing was sent
	NoAnswerNotSent     // this machine could not send
)

// NothingSent reports whether nothing was sent, which says nothing about the peer.
func (n NoAnswer) NothingSent() bool { return n == NoAnswerNoSuchName || n == NoAnswerNotSent }

// Loss returns the share of the echoes that were not answered in time; ok is false if none
// was counted.
func (e Echoes) Loss() (share float64, ok bool) {
	if e.Sent == 0 {
		return 0, false
	}
	return float64(e.Sent-min(e.Sent, e.Received)) / float64(e.Sent), true
}

// HealthSample is the health of a peer, as a probe or an event reports it.
type HealthSample struct {
	Peer   NodeID
	Health NodeHealth
	Reason string // why it is not healthy, for people
	Family Family // by which the peer was checked
}
