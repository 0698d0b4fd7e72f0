package sim

import (
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/cluster/follower"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/scenario"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// order is an order that was given at a node.
type order struct {
	n     *node
	do    scenario.Order
	o     *follower.Order
	until mesh.Time
}

// begin gives an order at a node.
func (n *node) begin(do scenario.Order) {
	w := n.w
	if !n.alive() {
		w.oracle.answer(do.Name, scenario.Refused)
		return
	}
	ev, err := command(do)
	if err != nil {
		w.failf("%s: %v", do, err)
		return
	}
	id, signed, build := w.base.build(w, do.Name, ev)
	o := &order{n: n, do: do}
	o.o = n.f.Begin(w.now, clustertest.NodeKey(n.id), id, signed, func(s *cluster.State, at time.Time) (*meshosv1.OrderedEntry, error) {
		return build(s, at)
	})
	w.oracle.begun(do.Name, n.id, ev)
	n.orders = append(n.orders, o)
	n.look()
}

// goOn does what the order has to have done next, and reports whether it has ended.
func (o *order) goOn() (ended bool) {
	n := o.n
	for {
		step := o.o.Next(n.w.now, n.wall())
		switch {
		case step.Ended:
			record, err := o.o.Result()
			o.o.End()
			n.w.oracle.ended(n, o.do.Name, record, err)
			return true
		case step.Publish != nil:
			n.w.oracle.published(n, o.do.Name, step.Publish)
			asked := false
			n.call(step.Publish, func(a follower.Answer) {
				if n.w.opts.Break == TriesAgainInDoubt && a == follower.Unknown {
					a = follower.Aborted
				}
				asked = true
				o.o.Answered(n.w.now, a, errNotKnown)
				n.after(0, n.look)
			})
			if asked {
				continue
			}
			o.until = 0
			return false
		}
		o.until = step.Until
		return false
	}
}

// lost says that the process ended which waited for the order.
func (o *order) lost() { o.n.w.oracle.answer(o.do.Name, scenario.Unknown) }
