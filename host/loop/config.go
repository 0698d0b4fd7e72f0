package loop

import "time"

// Config holds the loop's settings. A value that is zero or negative stands for
// its default.
type Config struct {
	// TickInterval is the time from the end of one tick to the next.
	TickInterval time.Duration
	// ProbeBudget is how long a tick waits for the probes that it asked.
	ProbeBudget time.Duration
	// EventQueue and ActionQueue are the places of the two queues.
	EventQueue, ActionQueue int
	// Operators says that operator keys are configured. A migration that an
	// operator kills must then be aborted by somebody, or a failure says why not.
	Operators bool
	// Start is the instant that the loop's times count from. The zero value stands
	// for the moment of New.
	Start time.Time
}

// The defaults, as documented for the [loop] section of the configuration.
const (
	defaultTickInterval = 500 * time.Millisecond
	defaultProbeBudget  = 50 * time.Millisecond
	defaultEventQueue   = 1024
	defaultActionQueue  = 1024
)

// feedQueue bounds the inputs of the host itself that wait to be folded.
const feedQueue = 1024

// chunk is how many queued inputs are folded before the loop looks up again, to
// see whether a tick is due. It is also what a tick leaves room for before the
// next one.
const chunk = 32

// callTimeout is the deadline of one call to a probe, a recovery handler or a
// migration source. It is far above any budget: a late answer is still an answer.
const callTimeout = 10 * time.Second

// leaveGrace is how long an ended loop waits for calls that are still out after
// their context was cancelled.
const leaveGrace = time.Second

func (c Config) withDefaults() Config {
	if c.TickInterval <= 0 {
		c.TickInterval = defaultTickInterval
	}
	if c.ProbeBudget <= 0 {
		c.ProbeBudget = defaultProbeBudget
	}
	if c.EventQueue <= 0 {
		c.EventQueue = defaultEventQueue
	}
	if c.ActionQueue <= 0 {
		c.ActionQueue = defaultActionQueue
	}
	if c.Start.IsZero() {
		c.Start = time.Now()
	}
	return c
}
