package pluginsdk

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// Peer is another node, as the host describes it to a probe.
type Peer struct {
	// ID names the node; it is never 0.
	ID uint64
	// Name is a label for people, and may be empty.
	Name string
	// Address is a host name or IP without a port, and may be empty.
	Address string
	// HealthTarget is the target of health checks: "host:port", or a URL of a scheme that
	// Info.HealthSchemes has. It may be empty.
	HealthTarget string
	// Addresses are those of the host names in Address and HealthTarget; nil if the host looks
	// up none.
	Addresses *Addresses
}

// HealthScheme returns the scheme of the health target, in lower case: "tcp" for host:port,
// "" if there is no target.
func (p Peer) HealthScheme() string { return wire.HealthScheme(p.HealthTarget) }

// RTTSample is a measured round-trip time to one peer, or the reason why there is none.
type RTTSample struct {
	Peer uint64
	// RTT is above 0. It is 0 for a peer that did not answer in the last round: then Sent or
	// Reason has more about it.
	RTT time.Duration
	// Sent and Received count the echoes of the last rounds and those that were answered in
	// time. Both are 0 if the probe does not count them.
	Sent, Received uint32
	// Late counts those that were answered after the timeout of the probe. If there is no
	// other answer, RTT is the time of these.
	Late uint32
	// Jitter is the mean difference of successive round-trip times.
	Jitter time.Duration
	// Round is the number of the measurement and changes with each. The host counts a
	// measurement once, however often it is answered. With 0 each answer counts as one.
	Round uint64
	// Unanswered is how many rounds in a row were sent and not answered at all, of a probe
	// that numbers its rounds.
	Unanswered uint32
	// NoAnswer is why the last round got no answer.
	NoAnswer NoAnswer
	// Reason is why there is no RTT, in a few words for people that rarely change, such as
	// "timed out"; if it is empty, those of NoAnswer. The host cuts it at 200 bytes.
	Reason string
	// Family is the family of the address that was measured: of those that the peer's name
	// has, the one that answers.
	Family Family
}

// NoAnswer is why the last round of a probe got no answer from a peer.
type NoAnswer uint8

// The values of NoAnswer. After NoAnswerNoSuchName and NoAnswerNotSent a peer never counts as
// lost: nothing was sent to it.
const (
	NoAnswerTimedOut    NoAnswer = iota + 1
	NoAnswerUnreachable          // a router or the peer's machine says that it can't be reached
	NoAnswerNoSuchName
	NoAnswerNotSent // this machine could not send: no privilege, no route
)

// String returns the reason in words: "timed out". It is empty for the zero value.
func (n NoAnswer) String() string {
	switch n {
	case NoAnswerTimedOut:
		return "timed out"
	case NoAnswerUnreachable:
		return "unreachable"
	case NoAnswerNoSuchName:
		return "no such name"
	case NoAnswerNotSent:
		return "not sent"
	}
	return ""
}

// Health is the health of a peer. The zero value means unknown: such a sample is not
// sent.
type Health uint8

// The values of Health.
const (
	Healthy Health = iota + 1
	Degraded
	Unreachable
)

// String returns the name in lower case.
func (h Health) String() string {
	switch h {
	case Healthy:
		return "healthy"
	case Degraded:
		return "degraded"
	case Unreachable:
		return "unreachable"
	default:
		return fmt.Sprintf("health(%d)", uint8(h))
	}
}

// HealthSample is the health of one peer.
type HealthSample struct {
	Peer   uint64
	Health Health
	// Reason is why the peer is not healthy, as in RTTSample.
	Reason string
	// Family is the family of the address that was checked.
	Family Family
}
