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
	Gate                 // give it up: whoever wanted it asks again when the gate opens
)

// String gives "admit", "defer" or "gate".
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
	// Slot says that a Defer is for the pull slot, which all chains share: whoever
	// waits for it is no nearer to being given up.
	Slot bool
	// Reason says in words what is in the way; empty for Admit.
	Reason string
}

// daemonBackoff is the stable name of the gate of a daemon that crashed.
const daemonBackoff = "daemon-backoff"

// after gives now+d, or now when that can't be told: a wait that overflows is no
// wait, rather than one for ever.
func after(now mesh.Time, d time.Duration) mesh.Time {
	at := now.Add(max(0, d))
	if at == mesh.Never {
		return now
	}
	return at
}
