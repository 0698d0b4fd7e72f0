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
	cfg      Config
	probes   Probes
	handlers Handlers
	slots    Slots
	core     core
	events   *queue[mesh.Event]
	inputs   *queue[mesh.Input]
	looks    *looks
	door     *door
	actions  chan mesh.Emitted
	board    *board
	count    counters
	started  atomic.Bool

	// Used by Run's goroutine only.
	hooks    Hooks
	timer    *time.Timer
	crew     *crew
	poll     *poll
	aborts   *aborts
	listed   bool // there was a migration source at the last tick
	unshown  bool // something was folded since the newest snapshot
	decorate streak
	onTick   streak
}

// New makes a loop that owns s from here on: nobody else may touch it.
func New(cfg Config, s *state.State) *Loop { return newLoop(cfg, node{s}) }

func newLoop(cfg Config, c core) *Loop {
	cfg = cfg.withDefaults()
	l := &Loop{
		cfg: cfg, core: c,
		events:  newQueue[mesh.Event](cfg.EventQueue),
		inputs:  newQueue[mesh.Input](feedQueue),
		looks:   newLooks(c),
		actions: make(chan mesh.Emitted, cfg.ActionQueue),
	}
	whole := c.Snapshot(l.stamp(time.Now()))
	l.board = newBoard(&snapshot.Snapshot{Node: whole.Node, Epoch: whole.Epoch})
	l.door = &door{events: l.events, ended: l.board.done}
	return l
}

// Handle opens a handle to publish with. The loop ends when all are closed.
func (l *Loop) Handle() *Handle { return l.door.handle() }

// Feed is the door for the host's own inputs.
func (l *Loop) Feed() Feed { return Feed{l.inputs, l.looks} }

// Actions gives what is to be done, in order. It is closed when the loop ended.
// When nobody takes them, actions are dropped, and are decided again later.
func (l *Loop) Actions() <-chan mesh.Emitted { return l.actions }

// Reader reads the published snapshots.
func (l *Loop) Reader() Reader { return Reader{l.board} }

// Probes are the probes that the loop asks.
func (l *Loop) Probes() *Probes { return &l.probes }

// Handlers are the recovery handlers that the loop asks.
func (l *Loop) Handlers() *Handlers { return &l.handlers }

// Slots holds the loop's scorer, aborter and migration source.
func (l *Loop) Slots() *Slots { return &l.slots }

// Start is the instant that the loop's times count from.
func (l *Loop) Start() time.Time { return l.cfg.Start }

// Done is closed after the loop ended.
func (l *Loop) Done() <-chan struct{} { return l.board.done }

// Stats gives the loop's own counters; those of the executor are zero.
func (l *Loop) Stats() snapshot.Stats { return l.count.stats() }

// EventQueueDepth says how many published events are not folded yet.
func (l *Loop) EventQueueDepth() int { return l.events.depth() }

// ActionQueueDepth says how many actions were handed out and not taken yet.
func (l *Loop) ActionQueueDepth() int { return len(l.actions) }

// LastTickAt is when the last tick ended; zero before the first one.
func (l *Loop) LastTickAt() time.Time {
	if at := l.count.lastTick.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// stamp gives the time of an input that is taken in now. Wall is without its
// monotonic part: the core must not see that.
func (l *Loop) stamp(now time.Time) mesh.Stamp {
	return mesh.Stamp{At: mesh.Time(now.Sub(l.cfg.Start)), Wall: now.Round(0)}
}
