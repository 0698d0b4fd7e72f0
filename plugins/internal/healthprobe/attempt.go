package healthprobe

import (
	"context"
	"time"
)

// Attempt is the result of one attempt at a target.
type Attempt struct {
	Took   time.Duration // of a success, without the lookup of the name
	Remote string        // the address that it was connected to; "" if it was to none
	// Doubt is why a target that answered is degraded all the same, in a few words that
	// rarely change; "" for nothing.
	Doubt string
	Err   error // nil: it answered as it should
}

// AttemptFunc makes one attempt at target within the deadline of ctx.
type AttemptFunc func(ctx context.Context, target string, via Route) Attempt

// Failure is a failed attempt for a reason that the plugin knows best.
type Failure struct {
	Reason string // a few words that rarely change, for operators
	Detail string // the rest, for the log; may be empty
	Ours   bool   // a fault of this machine or its configuration, not of the peer
}

// Error returns the reason with its detail.
func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Reason
	}
	return f.Reason + ": " + f.Detail
}
