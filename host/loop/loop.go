package loop

import (
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// Loop is one node's loop. Make it with New, and run it once with Run.
type Loop struct {
	cfg       Config
	core      core
	probes    Probes
	handlers  Handlers
	slots     Slots
	events    *queue[mesh.Event]
	inputs    *queue[mesh.Input]
	reads     *stateReads
	handles   handleCount
	actions   chan mesh.Emitted
	broadcast *broadcast
	records   *broadcast    // the newest records, also between ticks
	soon      chan struct{} // holds a token when somebody outside wants a pass soon
	begin     chan struct{} // holds a token when the first tick is to come at once
	count     counters
	started   atomic.Bool

	// Used by Run's goroutine only.
	hooks       Hooks
	timer       *time.Timer
	due         time.Time // when the next regular tick is due
	open        *openTick // the regular tick that waits for answers; nil for none
	early       early
	first       first
	calls       *callGroup
	poll        *poll
	aborts      *aborts
	listed      map[string]bool // migration sources of the last tick
	ending      bool            // a command to end the node was folded
	unpublished bool            // something was folded since the newest snapshot was built
	unrecorded  bool            // a command was folded since the newest records were published
	recent      recent
	folded      uint64 // events, until the last regular tick
	decorate    streak
	onTick      streak
}

// New makes a loop that owns s from here on: nobody else may touch it.
func New(cfg Config, s *state.State) *Loop { return newLoop(cfg, newNode(s)) }

func newLoop(cfg Config, c core) *Loop {
	cfg = cfg.withDefaults()
	l := &Loop{
		cfg: cfg, core: c,
		events:  newQueue[mesh.Event](cfg.EventQueue),
		inputs:  newQueue[mesh.Input](feedQueue),
		reads:   newStateReads(c),
		actions: make(chan mesh.Emitted, cfg.ActionQueue),
		soon:    make(chan struct{}, 1),
		begin:   make(chan struct{}, 1),
		first:   first{pause: cfg.FirstPause},
	}
	whole := c.Snapshot(l.stamp(time.Now()))
	l.broadcast = newBroadcast(&snapshot.Snapshot{Node: whole.Node, Epoch: whole.Epoch})
	l.records = newBroadcast(&snapshot.Snapshot{Node: whole.Node, Epoch: whole.Epoch})
	return l
}

// Feed returns what the host's own inputs come in by.
func (l *Loop) Feed() Feed { return Feed{l.inputs, l.reads, l.soon, l.begin} }

// Actions returns the channel of what is to be done, in order. It is closed when the
// loop ended. While nobody takes them and it is full, actions are dropped, and decided
// again at a later tick.
func (l *Loop) Actions() <-chan mesh.Emitted { return l.actions }

// Reader returns a reader of the published snapshots.
func (l *Loop) Reader() Reader { return Reader{l.broadcast} }

// Records returns a reader of the newest records. What it reads holds node, epoch and the
// rings of records, and nothing else can be relied on. It is published with each snapshot, and
// between ticks once commands were folded, so that they need not wait for a tick.
func (l *Loop) Records() Reader { return Reader{l.records} }

// Probes returns the probes that the loop calls, to add more.
func (l *Loop) Probes() *Probes { return &l.probes }

// Handlers returns the recovery handlers that the loop calls, to add more.
func (l *Loop) Handlers() *Handlers { return &l.handlers }

// Slots returns the slots of the loop's scorer, aborter and migration source.
func (l *Loop) Slots() *Slots { return &l.slots }

// Done returns a channel that is closed after the loop ended.
func (l *Loop) Done() <-chan struct{} { return l.broadcast.done }

// EventQueueDepth returns how many published events are not folded yet.
func (l *Loop) EventQueueDepth() int { return l.events.depth() }

// ActionQueueDepth returns how many actions were handed out and not taken yet.
func (l *Loop) ActionQueueDepth() int { return len(l.actions) }

// LastTickAt returns when the last tick ended; the zero time before the first one.
func (l *Loop) LastTickAt() time.Time {
	if at := l.count.lastTick.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// stamp returns the stamp of an input that is taken in now. Wall is without its
// monotonic part: the core must not see that.
func (l *Loop) stamp(now time.Time) mesh.Stamp {
	return mesh.Stamp{At: mesh.Time(now.Sub(l.cfg.Start)), Wall: now.Round(0)}
}
