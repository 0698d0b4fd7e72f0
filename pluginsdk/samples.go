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

// RTTSample is a measured round-trip time to one peer.
type RTTSample struct {
	Peer uint64
	RTT  time.Duration
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
}
