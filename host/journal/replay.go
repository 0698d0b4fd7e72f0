package journal

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// Replay feeds the entries of a journal through the core of a node, as the loop did. It
// carries out none of the actions and effects.
type Replay struct {
	from   *Reader
	core   *state.State          // nil before Boot
	passes *reconcile.Reconciler // of core
	last   mesh.Stamp            // of the last entry folded
	shut   *Entry                // the Shutdown that ended the node; nil for none
	over   int                   // how many entries follow it
}

// Ticked is what one tick decided.
type Ticked struct {
	File string // where the tick was read
	Line int

	Number  uint64 // 1, 2, 3 …
	At      mesh.Stamp
	Early   bool           // it did not wait for the next regular tick
	Actions []mesh.Emitted // handed out, in order
	Dropped int            // how many actions found no room in the queue
}

// NewReplay replays the entries that r returns. The caller closes r.
func NewReplay(r *Reader) *Replay { return &Replay{from: r} }

// Next replays the entries up to and including the next tick. It returns io.EOF at the end
// of the journal, and the errors of Reader.Next.
func (p *Replay) Next() (Ticked, error) {
	for {
		e, err := p.from.Next()
		if err != nil {
			return Ticked{}, err
		}
		if p.shut != nil {
			p.over++
			continue
		}
		p.last = e.At
		switch {
		case e.Boot != nil:
			p.core = state.New(e.Boot.state(e.At))
			p.passes = reconcile.New(p.core)
		case e.Tick != nil:
			pass := p.passes.Pass
			if e.Tick.Early {
				pass = p.passes.EarlyPass
			}
			result := pass(e.At, e.Tick.Room)
			return Ticked{
				File: e.File, Line: e.Line, Number: p.core.Passes(), At: e.At, Early: e.Tick.Early,
				Actions: result.Actions, Dropped: result.Dropped,
			}, nil
		case isShutdown(e.Input):
			p.shut = &e
		case slices.Contains(p.core.Apply(e.At, e.Input), state.Effect(state.EndNode{})):
			p.shut = &e
		}
	}
}

// All replays the rest of the journal and passes each tick to visit.
func (p *Replay) All(visit func(Ticked) error) error {
	for {
		t, err := p.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(t); err != nil {
			return err
		}
	}
}

// State returns the state of the node after the last entry that was replayed, or nil
// before Boot. It must not be changed, and the next step of the replay changes it.
func (p *Replay) State() *state.State { return p.core }

// Snapshot returns the snapshot of the node after the last entry that was replayed, at the
// time of that entry, or nil before Boot. It has no plugins and no stats, which do not
// come from the core.
func (p *Replay) Snapshot() *snapshot.Snapshot {
	if p.core == nil {
		return nil
	}
	at := p.last
	at.At = p.core.Now() // the last entry may be one that is not folded
	return snapshot.Build(p.core, at)
}

// Warnings returns what people should know about this replay: entries that were not
// folded, and a last line that is cut off.
func (p *Replay) Warnings() []string {
	var out []string
	if p.over > 0 {
		out = append(out, fmt.Sprintf("%s:%d: the node was shut down here; the %d entries after it were never folded",
			p.shut.File, p.shut.Line, p.over))
	}
	if torn := p.from.Warning(); torn != "" {
		out = append(out, torn)
	}
	return out
}

// isShutdown reports whether an input ends the node. Inputs that are queued behind it are
// never folded.
func isShutdown(in mesh.Input) bool {
	heard, ok := in.(mesh.Heard)
	if !ok {
		return false
	}
	_, ok = heard.Event.(mesh.Shutdown)
	return ok
}
