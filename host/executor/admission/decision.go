package admission

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Verdict is what to do with an action.
type Verdict uint8

// The verdicts.
const (
	Admit Verdict = iota // carry it out now; what it uses up is taken
	Defer                // ask again later
	Gate                 // give it up: the core asks again when the gate opens
)

// String returns "admit", "defer" or "gate".
func (v Verdict) String() string {
	switch v {
	case Admit:
		return "admit"
	case Defer:
		return "defer"
	case Gate:
		return "gate"
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}

// Decision is the answer for one action at one time.
type Decision struct {
	Verdict Verdict
	// After is how long to wait before asking again (Defer), or how long the gate
	// stays closed (Gate).
	After time.Duration
	// Slot is true for a Defer because of the pull slot, which all chains share. Waiting
	// for it does not count as being deferred.
	Slot bool
	// Reason is, for people, what the action waits for; empty for Admit.
	Reason string
}

// daemonBackoff is the stable name of the gate of a daemon that crashed.
const daemonBackoff = "daemon-backoff"

// after returns now+d, or now if that overflows: no wait at all, rather than one that
// never ends.
func after(now mesh.Time, d time.Duration) mesh.Time {
	at := now.Add(max(0, d))
	if at == mesh.Never {
		return now
	}
	return at
}
