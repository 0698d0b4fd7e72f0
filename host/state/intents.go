package state

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// An order takes precedence over the configuration until the configuration's own value of
// that key changes, or until another order does. So each order remembers what the
// configuration said when it was given, also over a restart of the process.

// The orders themselves are never written to: snapshots share them.

// RunOrder is an order that a daemon run or stop.
type RunOrder struct {
	Intent mesh.RunIntent
	Over   *bool // what the configuration said; nil if it did not name the daemon
	By     Origin
}

// PinOrder is an order on which node alone a daemon may run.
type PinOrder struct {
	Node mesh.NodeID
	Over *mesh.NodeID // what the configuration said; nil if it did not name the daemon
	By   Origin
}

// CountOrder is an order how many replicas of a chain there should be.
type CountOrder struct {
	Desired uint32
	Over    *uint32 // what the configuration said; nil if it said nothing
	Spread  string  // the label over whose values holders are spread; "" if the configuration says
	OfMesh  bool    // it is a chain of the mesh, of which the configuration says nothing
	By      Origin
}

// HoldOrder is an order whether this node should hold a chain.
type HoldOrder struct {
	Intent mesh.HoldIntent
	Over   mesh.HoldIntent // what the configuration said
	By     Origin
}

// daemonIntended folds an order of the unsigned form, which sets both keys.
func (s *State) daemonIntended(ev mesh.DaemonIntent, o Origin) {
	d := s.ensureDaemon(ev.Daemon)
	if ev.Intent == mesh.IntentRun {
		d.runAgain()
	}
	d.setRun(&RunOrder{Intent: ev.Intent, Over: d.fileRun(), By: o})
	d.setPin(&PinOrder{Node: ev.Node, Over: d.fileNode(), By: o})
}

// orderRun orders a daemon to run or to stop. IntentNone returns to the configuration.
func (s *State) orderRun(ref mesh.DaemonRef, intent mesh.RunIntent, o Origin) {
	d := s.daemons.edit(ref.ID)
	switch {
	case intent != mesh.IntentNone:
		if d == nil {
			d = s.ensureDaemon(ref)
		}
		if intent == mesh.IntentRun {
			d.runAgain()
		}
		d.setRun(&RunOrder{Intent: intent, Over: d.fileRun(), By: o})
	case d != nil:
		d.setRun(nil)
		d.setPin(nil)
	}
}

// setRun sets the intent to what was ordered, or with nil to what the configuration says.
func (d *daemon) setRun(order *RunOrder) {
	d.run, d.By = order, nil
	switch {
	case order != nil:
		d.Intent, d.By = order.Intent, &order.By
	case !d.configured:
		d.Intent = mesh.IntentNone
	case d.entry.Run:
		d.Intent = mesh.IntentRun
	default:
		d.Intent = mesh.IntentStop
	}
	if d.Intent == mesh.IntentStop {
		d.Restart = RestartNone // or it would be restarted when it is to run again, perhaps much later
	}
}

// setPin is setRun for the node on which alone the daemon may run.
func (d *daemon) setPin(order *PinOrder) {
	d.pin, d.Pin = order, 0
	switch {
	case order != nil:
		d.Pin = order.Node
	case d.configured:
		d.Pin = d.entry.Node
	}
}

func (d *daemon) fileRun() *bool         { return valueOf(d.entry.Run, d.configured) }
func (d *daemon) fileNode() *mesh.NodeID { return valueOf(d.entry.Node, d.configured) }

func valueOf[T any](v T, known bool) *T {
	if !known {
		return nil
	}
	return &v
}

// orderDesired orders how many replicas of a chain there should be. nil returns to the
// configuration.
func (s *State) orderDesired(id mesh.ChainID, desired *uint32, o Origin) {
	c := s.chains.edit(id)
	switch {
	case desired != nil:
		c = s.chains.ensure(id)
		next := &CountOrder{Desired: *desired, Over: c.seldom().file.Replicas, By: o}
		if c.count != nil {
			next.Spread, next.OfMesh = c.count.Spread, c.count.OfMesh
		}
		s.setCount(c, next)
	case c == nil:
		return
	default:
		s.setCount(c, nil)
	}
	s.noteIfEmpty(id)
}

// orderHold orders whether this node should hold a chain. HoldNone returns to the
// configuration.
func (s *State) orderHold(id mesh.ChainID, intent mesh.HoldIntent, o Origin) {
	c := s.chains.edit(id)
	switch {
	case intent != mesh.HoldNone:
		c = s.chains.ensure(id)
		c.setHold(&HoldOrder{Intent: intent, Over: c.seldom().file.Hold, By: o})
	case c == nil:
		return
	default:
		c.setHold(nil)
	}
	s.noteIfEmpty(id)
}

// setCount has a chain be as was ordered, or with nil as the configuration says.
func (s *State) setCount(c *chain, order *CountOrder) {
	before := spreads(c.spread())
	c.count = order
	s.members.spread += spreads(c.spread()) - before
	if order == nil {
		c.setFromFile()
		return
	}
	c.setDesired(order.Desired)
}

func (c *chain) setHold(order *HoldOrder) {
	c.hold = c.seldom().file.Hold
	if order != nil {
		c.hold = order.Intent
	}
	if c.rare != nil || order != nil {
		c.editRare().held = order
	}
}

// logReplaced writes to the node's log that the configuration replaces an order. The values
// are pointers, nil for a key that is not set.
func (s *State) logReplaced(about mesh.DaemonID, by Origin, ordered, key string, before, now any) {
	s.recordLog(mesh.LogLine{Level: mesh.LevelInfo, Daemon: about, Message: fmt.Sprintf(
		"%s, %s, does not hold any more: the configuration changed %s from %s to %s", by, ordered, key, shown(before), shown(now))})
}

// logGone writes to the node's log that an order went with the daemon that it was about.
func (s *State) logGone(ref mesh.DaemonRef, by Origin) {
	s.recordLog(mesh.LogLine{Level: mesh.LevelInfo, Daemon: ref.ID, Message: fmt.Sprintf(
		"daemon %s is not in the configuration any more, and what was ordered about it (%s) does not hold any more", ref, by)})
}

func shown(v any) string {
	switch v := v.(type) {
	case *bool:
		if v != nil {
			return fmt.Sprint(*v)
		}
	case *uint32:
		if v != nil {
			return fmt.Sprint(*v)
		}
	case *mesh.NodeID:
		if v != nil && *v != 0 {
			return fmt.Sprint(*v)
		}
	}
	return "nothing"
}

func holdOf(intent mesh.HoldIntent) *bool {
	if intent == mesh.HoldNone {
		return nil
	}
	hold := intent == mesh.HoldKeep
	return &hold
}

func runOrdered(ref mesh.DaemonRef, intent mesh.RunIntent) string {
	if intent == mesh.IntentRun {
		return fmt.Sprintf("to run daemon %s", ref)
	}
	return fmt.Sprintf("to stop daemon %s", ref)
}

func pinOrdered(ref mesh.DaemonRef, node mesh.NodeID) string {
	if node == 0 {
		return fmt.Sprintf("to let daemon %s run on any node", ref)
	}
	return fmt.Sprintf("to run daemon %s on node %d only", ref, node)
}

func countOrdered(id mesh.ChainID, desired uint32) string {
	return fmt.Sprintf("to have %d replicas of chain %d", desired, id)
}

func holdOrdered(id mesh.ChainID, intent mesh.HoldIntent) string {
	if intent == mesh.HoldKeep {
		return fmt.Sprintf("to hold chain %d", id)
	}
	return fmt.Sprintf("to drop chain %d", id)
}
