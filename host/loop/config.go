package loop

import "time"

// Config holds the loop's settings. For a value that is zero or negative its default
// is used.
type Config struct {
	// TickInterval is the time from the end of one tick to the next.
	TickInterval time.Duration
	// FirstPause is the time between ticks of a node that has just started, while a probe has
	// not said all that it knows; 0 for TickInterval.
	FirstPause time.Duration
	// ProbeBudget is how long a tick waits for the probes that it called.
	ProbeBudget time.Duration
	// EventQueue and ActionQueue are the capacities of the two queues.
	EventQueue, ActionQueue int
	// Operators is true if operator keys are configured. Then a migration that an
	// operator kills leaves a failure record if nothing on this node can abort it.
	Operators bool
	// Start is the instant from which the loop's times count. With the zero value it
	// is the moment of New.
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

// chunk is how many queued inputs of each queue are folded before the loop checks
// again whether a tick is due. So it is also how many are folded between two ticks
// that follow each other at once.
const chunk = 32

// callTimeout is the deadline of one call to a probe, a recovery handler or a
// migration source. It is far above any budget, since a late answer is still folded.
const callTimeout = 10 * time.Second

// cancelGrace is how long an ended loop waits for calls that are still out after
// their context was cancelled.
const cancelGrace = 200 * time.Millisecond

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
