package health

import (
	"context"
	"time"
)

// Check is how and how often health is checked.
type Check struct {
	Type     string   // "exec", "tcp" or "http"
	Target   string   // tcp: host:port, http: URL
	Command  []string // exec: program and arguments
	Interval time.Duration
	Timeout  time.Duration
	Thresholds
	// StartPeriod is how long after the start of the process failures do not count, until the
	// daemon is healthy for the first time.
	StartPeriod time.Duration
}

// Answer is the result of one check.
type Answer struct {
	// Failure is why it failed; empty if it succeeded.
	Failure string
	// Impossible is why it could not be checked, which says nothing of the daemon; empty if
	// it could.
	Impossible string
	// Saturation is how busy the daemon says it is, 0 … 1; meaningful if Said.
	Saturation    float32
	HasSaturation bool
}

// Probe checks once. It returns soon after ctx ends.
type Probe interface {
	Ask(ctx context.Context) Answer
}

// ProbeFunc is a function that is a Probe.
type ProbeFunc func(ctx context.Context) Answer

// Ask implements Probe.
func (f ProbeFunc) Ask(ctx context.Context) Answer { return f(ctx) }

// maxReason bounds the reason of a failure, in bytes.
const maxReason = 256
