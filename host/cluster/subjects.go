package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// subject is what an order that holds is about.
type subject struct {
	node mesh.NodeID
	what what
	id   uint64 // of a daemon or a chain
}

// what is the part of a node that an order is about.
type what uint8

const (
	maintenance what = iota + 1
	cordon
	drain
	daemonIntent
	replicas
	hold
	definition // of a chain, on no node in particular
)

// String names the subject as the encoded state does, which never changes.
func (s subject) String() string {
	switch s.what {
	case maintenance:
		return fmt.Sprintf("node %d maintenance", s.node)
	case cordon:
		return fmt.Sprintf("node %d cordon", s.node)
	case drain:
		return fmt.Sprintf("node %d drain", s.node)
	case daemonIntent:
		return fmt.Sprintf("node %d daemon %d intent", s.node, s.id)
	case replicas:
		return fmt.Sprintf("node %d chain %d replicas", s.node, s.id)
	case definition:
		return fmt.Sprintf("chain %d", s.id)
	}
	return fmt.Sprintf("node %d chain %d hold", s.node, s.id)
}

func compareSubjects(a, b subject) int {
	return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.what, b.what), cmp.Compare(a.id, b.id))
}

// order is the last order about a subject.
type order struct {
	event     mesh.AdminEvent
	height    uint64
	at        time.Time // log time
	operators []string
}

// subjectsOf returns what an order is about that holds until another one, and whether it begins
// to hold or ends what held.
func subjectsOf(ev mesh.AdminEvent) (about []subject, holds bool) {
	switch ev := ev.(type) {
	case mesh.EnterMaintenance:
		return []subject{{node: ev.Node, what: maintenance}}, true
	case mesh.ExitMaintenance:
		return []subject{{node: ev.Node, what: maintenance}}, false
	case mesh.Drain:
		return []subject{{node: ev.Node, what: drain}}, true
	case mesh.Cordon:
		return []subject{{node: ev.Node, what: cordon}}, true
	case mesh.Uncordon:
		return []subject{{node: ev.Node, what: cordon}, {node: ev.Node, what: drain}}, false
	case mesh.SetDaemonIntent:
		return []subject{{ev.Node, daemonIntent, uint64(ev.Daemon.ID)}}, ev.Intent != mesh.IntentNone
	case mesh.SetPlacement:
		return []subject{{ev.Node, replicas, uint64(ev.Chain)}}, ev.Desired != nil
	case mesh.SetChain: // also of one that is deleted: its id is not given again
		return []subject{{what: definition, id: uint64(ev.Chain)}}, true
	case mesh.SetLocalReplica:
		return []subject{{ev.Node, hold, uint64(ev.Chain)}}, ev.Intent != mesh.HoldNone
	case mesh.DropReplicas:
		for _, c := range ev.Chains {
			about = append(about, subject{ev.Node, hold, uint64(c)})
		}
		return about, true
	}
	return nil, false
}

// note remembers an order that holds until another one about the same.
func (s *State) note(ev mesh.AdminEvent, out *Outcome) {
	about, holds := subjectsOf(ev)
	for _, of := range about {
		if !holds {
			delete(s.orders, of)
			continue
		}
		o := order{event: ev, height: out.Place.Height, at: s.at, operators: named(out.Order.Operators)}
		if drop, is := ev.(mesh.DropReplicas); is { // each chain's order by itself
			o.event = mesh.SetLocalReplica{Node: drop.Node, Chain: mesh.ChainID(of.id), Intent: mesh.HoldDrop}
		}
		s.orders[of] = o
	}
}

// forget forgets the orders about a node.
func (s *State) forget(id mesh.NodeID) {
	maps.DeleteFunc(s.orders, func(of subject, _ order) bool { return of.node == id })
}

// named returns the names of operators whose signatures were verified.
func named(in []mesh.Operator) (out []string) {
	for _, o := range in {
		switch {
		case !o.Verified:
		case o.Name != "":
			out = append(out, o.Name)
		default:
			out = append(out, o.KeyID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
