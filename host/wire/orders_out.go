package wire

import (
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// stamped converts instants of a process into wall time and back, by one stamp of it.
type stamped struct{ stamp mesh.Stamp }

func (c stamped) wall(t mesh.Time) *timestamppb.Timestamp {
	return timestamppb.New(c.stamp.Wall.Add(t.Sub(c.stamp.At)))
}

// OrdersToProto converts what has to outlive the process. The stamp is one of the process
// whose instants the orders hold.
func OrdersToProto(in state.Orders, at mesh.Stamp) *meshosv1.OrderedState {
	c := stamped{at}
	out := &meshosv1.OrderedState{Height: in.Height, MeshHeight: in.MeshHeight, FrozenHere: in.FrozenHere, Local: c.local(in.Local)}
	for _, n := range in.Nodes {
		node := &meshosv1.OrderedNode{
			Node: uint64(n.Node), Peer: n.Peer, Cordoned: n.Cordoned, Draining: n.Draining, Phase: meshosv1.MaintenancePhase(n.Phase),
		}
		if n.Cordoned {
			node.CordonedBy = c.origin(n.By)
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, f := range in.Forced {
		out.Forced = append(out.Forced, &meshosv1.OrderedForce{
			Place: f.Place, Chain: uint64(f.Chain), Node: uint64(f.Node), Until: c.wall(f.Until),
		})
	}
	for _, d := range in.Daemons {
		out.Daemons = append(out.Daemons, c.daemon(d))
	}
	for _, g := range in.Gates {
		gate := &meshosv1.OrderedGate{
			Daemon: daemonRef(g.Daemon), State: meshosv1.DaemonView_Restart(g.State), Backoff: durationpb.New(g.Window),
			Count: g.Count, LastExit: daemonEnd(g.LastEnd),
		}
		if g.State != state.GateIdle {
			gate.Until = c.wall(g.Until)
		}
		for _, t := range g.Crashes {
			gate.Crashes = append(gate.Crashes, c.wall(t))
		}
		out.Gates = append(out.Gates, gate)
	}
	for _, one := range in.Chains {
		out.Chains = append(out.Chains, c.chain(one))
	}
	if in.Frozen {
		out.FrozenUntil = c.wall(in.FreezeUntil)
	}
	return out
}

func (c stamped) origin(in state.Origin) *meshosv1.OrderOrigin {
	return &meshosv1.OrderOrigin{Height: in.Height, InMesh: in.Mesh, At: c.wall(in.At), Operators: validAll(in.Operators.List())}
}

func (c stamped) local(in *state.LocalOrder) *meshosv1.OrderedLocal {
	if in == nil {
		return nil
	}
	out := &meshosv1.OrderedLocal{
		Phase: meshosv1.MaintenancePhase(in.Phase), Reason: valid(in.Reason), Reported: in.Reported,
		Draining: in.Draining, Drained: in.Drained, DrainReported: in.DrainReported,
	}
	if in.Phase != mesh.PhaseActive {
		out.Since, out.By = c.wall(in.Since), c.origin(in.By)
	}
	if in.Phase == mesh.PhaseEntering {
		out.Deadline = c.wall(in.Deadline)
	}
	if in.Draining || in.Drained {
		out.DrainSince, out.DrainDeadline, out.DrainBy = c.wall(in.DrainSince), c.wall(in.DrainDeadline), c.origin(in.DrainBy)
	}
	return out
}

func (c stamped) daemon(in state.DaemonOrder) *meshosv1.OrderedDaemon {
	out := &meshosv1.OrderedDaemon{Daemon: daemonRef(in.Daemon)}
	if r := in.Run; r != nil {
		out.Run = &meshosv1.OrderedDaemon_Run{Intent: meshosv1.DaemonIntent_Intent(r.Intent), Over: copied(r.Over), By: c.origin(r.By)}
	}
	if p := in.Pin; p != nil {
		out.Pin = &meshosv1.OrderedDaemon_Pin{Node: uint64(p.Node), By: c.origin(p.By)}
		if p.Over != nil {
			over := uint64(*p.Over)
			out.Pin.Over = &over
		}
	}
	if r := in.Restart; r != nil {
		out.Restart = &meshosv1.OrderedDaemon_Restart{At: c.wall(r.At), Alone: r.Alone}
	}
	return out
}

func (c stamped) chain(in state.ChainOrder) *meshosv1.OrderedChain {
	out := &meshosv1.OrderedChain{Chain: uint64(in.Chain)}
	if n := in.Count; n != nil {
		out.Count = &meshosv1.OrderedChain_Count{Desired: n.Desired, Over: copied(n.Over), Spread: valid(n.Spread), OfMesh: n.OfMesh, By: c.origin(n.By)}
	}
	if h := in.Hold; h != nil {
		out.Hold = &meshosv1.OrderedChain_Hold{
			Intent: meshosv1.LocalReplicaIntent_Intent(h.Intent), Over: meshosv1.LocalReplicaIntent_Intent(h.Over), By: c.origin(h.By),
		}
	}
	return out
}
