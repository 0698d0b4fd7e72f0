package pluginsdk

import (
	"fmt"
	"time"
)

// Peer is another node, as the host describes it to a probe.
type Peer struct {
	// ID names the node; it is never 0.
	ID uint64
	// Name is a label for people, and may be empty.
	Name string
	// Address is a host name or IP without a port, and may be empty.
	Address string
	// HealthTarget is the address for health checks, "host:port". It may be empty.
	HealthTarget string
}

// RTTSample is a measured round-trip time to one peer, or the reason why there is none.
type RTTSample struct {
	Peer uint64
	// RTT is above 0. It is 0 for a peer that did not answer in the last round: then Sent or
	// Reason has more about it.
	RTT time.Duration
	// Sent and Received count the echoes of the last rounds and those that were answered.
	// Both are 0 if the probe does not count them.
	Sent, Received uint32
	// Jitter is the mean difference of successive round-trip times.
	Jitter time.Duration
	// Reason is why there is no RTT, in a few words for people that rarely change, such as
	// "timed out". The host cuts it at 200 bytes.
	Reason string
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
}
