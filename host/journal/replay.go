package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// Replay feeds the entries of a journal through the core of a node, as the loop
// did. What the core wants done outside is not done.
type Replay struct {
	from *Reader
	core *state.State // nil before Boot
	last mesh.Stamp   // of the last entry folded
	shut *Entry       // the Shutdown that ended the node; nil for none
	over int          // entries behind it
}

// Ticked is what one tick came to.
type Ticked struct {
	File string // where the tick stands
	Line int

	Number  uint64 // 1, 2, 3 …
	At      mesh.Stamp
	Actions []mesh.Emitted // handed out, in order
	Dropped int            // wanted, but there was no room
}

// NewReplay replays what r gives. Closing r is left to the caller.
func NewReplay(r *Reader) *Replay { return &Replay{from: r} }

// Next replays up to the next tick, and that. It returns io.EOF at the end of the
// journal, and the errors of Reader.Next.
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
		case e.Tick != nil:
			result := reconcile.Pass(p.core, e.At, e.Tick.Room)
			return Ticked{
				File: e.File, Line: e.Line, Number: p.core.Passes(), At: e.At,
				Actions: result.Actions, Dropped: result.Dropped,
			}, nil
		case isShutdown(e.Input):
			p.shut = &e
		default:
			p.core.Apply(e.At, e.Input)
		}
	}
}

// All replays the whole journal, and gives each tick to visit.
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

// Snapshot gives the view of the node after what was replayed, at the time of the
// last entry; nil before Boot. It has no plugins and no stats: they are not the
// core's.
func (p *Replay) Snapshot() *snapshot.Snapshot {
	if p.core == nil {
		return nil
	}
	return snapshot.Build(p.core, p.last)
}

// Warnings says what a person should know who trusts this replay.
func (p *Replay) Warnings() []string {
	var out []string
	if p.over > 0 {
		out = append(out, fmt.Sprintf("%s:%d: the node was shut down here; the entries behind it, %d in number, were never folded",
			p.shut.File, p.shut.Line, p.over))
	}
	if torn := p.from.Warning(); torn != "" {
		out = append(out, torn)
	}
	return out
}

// isShutdown says whether an input ends a node: what is queued behind it is never
// folded.
func isShutdown(in mesh.Input) bool {
	heard, ok := in.(mesh.Heard)
	if !ok {
		return false
	}
	_, ok = heard.Event.(mesh.Shutdown)
	return ok
}
