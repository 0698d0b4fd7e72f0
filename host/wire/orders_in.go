package wire

import (
	"strconv"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// OrdersFromProto checks and converts what outlived a process. The stamp is one of the
// process that takes it over. The error is a *FieldError.
func OrdersFromProto(in *meshosv1.OrderedState, at mesh.Stamp) (state.Orders, error) {
	r := orders{stamped: stamped{at}}
	out := state.Orders{Height: in.GetHeight(), MeshHeight: in.GetMeshHeight(), FrozenHere: in.GetFrozenHere(), Local: r.local(in.GetLocal())}
	for i, n := range in.GetNodes() {
		r.at = item("nodes", i)
		node := state.NodeOrder{
			Node: mesh.NodeID(r.id("node", n.GetNode())), Peer: n.GetPeer(), Cordoned: n.GetCordoned(), Draining: n.GetDraining(),
			Phase: mesh.MaintenancePhase(r.enumOr0("phase", int32(n.GetPhase()), int32(mesh.PhaseRecovery))),
		}
		if node.Cordoned {
			node.By = r.origin("cordoned_by", n.GetCordonedBy())
		}
		out.Nodes = append(out.Nodes, node)
	}
	for i, f := range in.GetForced() {
		r.at = item("forced", i)
		out.Forced = append(out.Forced, state.ForcedOrder{
			Place: f.GetPlace(), Chain: mesh.ChainID(r.id("chain", f.GetChain())), Node: mesh.NodeID(r.id("node", f.GetNode())),
			Until: r.time("until", f.GetUntil()),
		})
	}
	for i, d := range in.GetDaemons() {
		r.at = item("daemons", i)
		out.Daemons = append(out.Daemons, r.daemon(d))
	}
	for i, g := range in.GetGates() {
		r.at = item("gates", i)
		out.Gates = append(out.Gates, r.gate(g))
	}
	for i, c := range in.GetChains() {
		r.at = item("chains", i)
		out.Chains = append(out.Chains, r.chain(c))
	}
	r.at = ""
	if in.GetFrozenUntil() != nil {
		out.Frozen, out.FreezeUntil = true, r.time("frozen_until", in.GetFrozenUntil())
	}
	if r.err != nil {
		return state.Orders{}, r.err
	}
	return out, nil
}

func item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// orders reads the fields of an OrderedState.
type orders struct {
	fields
	stamped
}

// time reads a time that must be set.
func (r *orders) time(field string, in *timestamppb.Timestamp) mesh.Time {
	if !in.IsValid() {
		r.fail(field, "must be set to a valid time")
		return 0
	}
	return r.stamp.At.Add(in.AsTime().Sub(r.stamp.Wall))
}

func (r *orders) origin(field string, in *meshosv1.OrderOrigin) state.Origin {
	out := state.Origin{Height: in.GetHeight(), At: r.time(field+".at", in.GetAt()), Mesh: in.GetInMesh()}
	var names []string
	for i, name := range in.GetOperators() {
		names = append(names, r.text(item(field+".operators", i), name))
	}
	out.Operators = state.NamesOf(names...)
	return out
}

func (r *orders) local(in *meshosv1.OrderedLocal) *state.LocalOrder {
	if in == nil {
		return nil
	}
	r.at = "local"
	out := &state.LocalOrder{
		Phase:  mesh.MaintenancePhase(r.enum("phase", int32(in.GetPhase()), int32(mesh.PhaseRecovery))),
		Reason: r.text("reason", in.GetReason()), Reported: in.GetReported(),
		Draining: in.GetDraining(), Drained: in.GetDrained(), DrainReported: in.GetDrainReported(),
	}
	if out.Phase != mesh.PhaseActive {
		out.Since, out.By = r.time("since", in.GetSince()), r.origin("by", in.GetBy())
	}
	if out.Phase == mesh.PhaseEntering {
		out.Deadline = r.time("deadline", in.GetDeadline())
	}
	if out.Draining || out.Drained {
		out.DrainSince, out.DrainDeadline = r.time("drain_since", in.GetDrainSince()), r.time("drain_deadline", in.GetDrainDeadline())
		out.DrainBy = r.origin("drain_by", in.GetDrainBy())
	}
	return out
}

func (r *orders) daemon(in *meshosv1.OrderedDaemon) state.DaemonOrder {
	out := state.DaemonOrder{Daemon: r.daemonRef("daemon", in.GetDaemon())}
	if run := in.GetRun(); run != nil {
		out.Run = &state.RunOrder{
			Intent: mesh.RunIntent(r.enum("run.intent", int32(run.GetIntent()), int32(mesh.IntentStop))),
			Over:   copied(run.Over), By: r.origin("run.by", run.GetBy()),
		}
	}
	if pin := in.GetPin(); pin != nil {
		out.Pin = &state.PinOrder{Node: mesh.NodeID(pin.GetNode()), By: r.origin("pin.by", pin.GetBy())}
		if pin.Over != nil {
			over := mesh.NodeID(pin.GetOver())
			out.Pin.Over = &over
		}
	}
	if restart := in.GetRestart(); restart != nil {
		out.Restart = &state.RestartPending{At: r.time("restart.at", restart.GetAt()), Alone: restart.GetAlone()}
	}
	return out
}

func (r *orders) gate(in *meshosv1.OrderedGate) state.GateOrder {
	out := state.GateOrder{
		Daemon: r.daemonRef("daemon", in.GetDaemon()),
		State:  state.GateState(r.enum("state", int32(in.GetState()), int32(state.GateCrashLooping))),
		Window: r.durationOr0("backoff", in.GetBackoff()),
		Count:  in.GetCount(), LastEnd: r.daemonEnd("last_exit", in.GetLastExit()),
	}
	if out.State != state.GateIdle {
		out.Until = r.time("until", in.GetUntil())
	}
	for i, t := range in.GetCrashes() {
		out.Crashes = append(out.Crashes, r.time(item("crashes", i), t))
	}
	return out
}

func (r *orders) chain(in *meshosv1.OrderedChain) state.ChainOrder {
	out := state.ChainOrder{Chain: mesh.ChainID(r.id("chain", in.GetChain()))}
	if c := in.GetCount(); c != nil {
		out.Count = &state.CountOrder{Desired: c.GetDesired(), Over: copied(c.Over), Spread: c.GetSpread(), OfMesh: c.GetOfMesh(), By: r.origin("count.by", c.GetBy())}
	}
	if h := in.GetHold(); h != nil {
		out.Hold = &state.HoldOrder{
			Intent: mesh.HoldIntent(r.enum("hold.intent", int32(h.GetIntent()), int32(mesh.HoldDrop))),
			Over:   mesh.HoldIntent(r.enumOr0("hold.over", int32(h.GetOver()), int32(mesh.HoldDrop))),
			By:     r.origin("hold.by", h.GetBy()),
		}
	}
	return out
}

// OperatorsFromProto converts who signed a command, as this node stored it.
func OperatorsFromProto(in []*meshosv1.Operator) []mesh.Operator {
	var out []mesh.Operator
	for _, o := range in {
		out = append(out, mesh.Operator{KeyID: o.GetKeyId(), Name: o.GetName(), Verified: o.GetVerified()})
	}
	return out
}

// placeFromProto reads where an order stands in the ordered log.
func placeFromProto(in *meshosv1.JournalEntry) (mesh.Place, error) {
	out := mesh.Place{Height: in.GetHeight(), Mesh: in.GetInMesh()}
	if in.GetOrderedAt() == nil {
		return out, nil
	}
	if !in.GetOrderedAt().IsValid() {
		return out, &FieldError{Path: "ordered_at", Problem: "must be a valid time"}
	}
	out.At = in.GetOrderedAt().AsTime()
	return out, nil
}
