package ordered

import (
	"fmt"
	"reflect"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/host/wire"
)

// Restore returns with what a state begins after a restart: what was ordered before. The
// windows that orders opened went on by the wall clock meanwhile. lines are for the node's
// log: the orders that the configuration has replaced.
//
// later is what the log of the mesh brought that the checkpoint does not have, in order: it is
// folded among the entries by when the node recorded it.
//
// The checkpoint and then the entries above it are folded by a state of their own, so that
// they lead where they led in the running node: each over what the configuration said then.
// What changed there since replaces them.
func (l *Log) Restore(b state.Boot, later ...Later) (boot state.Boot, lines []mesh.LogLine, err error) {
	l.Configure(b.Desired)
	checkpoint, entries := l.take()
	if checkpoint == nil && len(entries)+len(later) == 0 {
		return b, nil, nil
	}
	c := clock{b.At}
	if l.tail.at.After(c.now.Wall) {
		c.now.Wall = l.tail.at // the clock was set back: no window becomes longer
	}
	first := b
	first.FreezeRemaining = 0
	begin := time.Time{}
	if checkpoint != nil {
		begin = checkpoint.GetTakenAt().AsTime()
		if first.Orders, err = wire.OrdersFromProto(checkpoint.GetState(), c.now); err != nil {
			return b, nil, fmt.Errorf("orders: checkpoint in %s: %w", l.dir, err)
		}
		first.Desired = peersAt(first.Orders.Nodes, b)
	} else if begin = c.now.Wall; len(entries) > 0 {
		begin = entries[0].GetAt().AsTime()
	}
	if checkpoint == nil && len(later) > 0 && later[0].Wall.Before(begin) {
		begin = later[0].Wall
	}
	first.At = c.stamp(begin)
	if first.Orders.Frozen {
		first.FreezeRemaining = first.Orders.FreezeUntil.Sub(first.At.At)
	}
	s, desired := state.New(first), first.Desired
	for _, e := range entries {
		for len(later) > 0 && later[0].Wall.Before(e.GetAt().AsTime()) {
			s.Apply(c.stamp(later[0].Wall), later[0].Input)
			later = later[1:]
		}
		in, err := input(e)
		if err != nil {
			return b, nil, fmt.Errorf("orders: height %d: %w", e.GetHeight(), err)
		}
		at := c.stamp(e.GetAt().AsTime())
		if then, changed := asOf(e.GetOver(), desired); changed {
			desired = then
			s.Apply(at, mesh.Reload{Desired: desired})
		}
		s.Apply(at, in)
	}
	for _, in := range later {
		s.Apply(c.stamp(in.Wall), in.Input)
	}
	if !reflect.DeepEqual(desired, b.Desired) {
		s.Apply(c.now, mesh.Reload{Desired: b.Desired})
	}
	for _, r := range s.Logs() {
		lines = append(lines, mesh.LogLine{Level: r.Level, Daemon: r.Daemon, Message: r.Message})
	}
	b.Orders = s.Orders()
	// The freeze that holds is the one that the operators' memory knows.
	b.Orders.Frozen, b.Orders.FreezeUntil = false, 0
	return b, lines, nil
}

// MeshHeight returns up to which height the checkpoint has what the log of the mesh brought.
func (l *Log) MeshHeight() uint64 { return l.checkpoint.GetState().GetMeshHeight() }

// KeptMeshHeight returns up to which height the newest checkpoint on disk has what the log of the
// mesh brought. It may be called by any goroutine.
func (l *Log) KeptMeshHeight() uint64 { return l.keptMesh.Load() }

// Later is an input of the log of the mesh, with the time at which the node recorded it.
type Later struct {
	Wall  time.Time
	Input mesh.Input
}

// clock turns wall times before now into instants of the process that begins now.
type clock struct{ now mesh.Stamp }

func (c clock) stamp(t time.Time) mesh.Stamp {
	return mesh.Stamp{At: c.now.At.Add(t.Sub(c.now.Wall)), Wall: t}
}
