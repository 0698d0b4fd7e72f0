package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SnapshotToProto converts a whole snapshot. It returns nil for nil. A record is pending
// while its number is above the one that all appenders of its chain have acknowledged.
func SnapshotToProto(in *snapshot.Snapshot) *meshosv1.Snapshot {
	if in == nil {
		return nil
	}
	out, _, _ := SnapshotPage(in, &Filter{}, Position{}, unlimited)
	return out
}

// scalarsToProto converts what is not a list.
func scalarsToProto(in *snapshot.Snapshot) *meshosv1.Snapshot {
	return &meshosv1.Snapshot{
		Node:             uint64(in.Node),
		Epoch:            in.Epoch,
		EpochHex:         EpochHex(in.Epoch),
		Info:             infoToProto(in.Info),
		Tick:             in.Tick,
		TakenAt:          wall(in.TakenAt),
		LocalMaintenance: maintenanceToProto(in.Maintenance, in.Now),
		FreezeRemaining:  durationOrAbsent(in.Frozen.Until(in.Now)),
		Stats:            statsToProto(in.Stats),
		Scheduler:        schedulerToProto(in.Scheduler),
		CutOff:           cutOffToProto(in.CutOff, in.Now),
		Mesh:             meshOf(in),
	}
}

// meshOf returns what the host knows of its mesh; nil if it has none.
func meshOf(in *snapshot.Snapshot) *meshosv1.MeshView {
	view, _ := in.Mesh.(*meshosv1.MeshView)
	return view
}

func nameToProto(in snapshot.Name, now time.Time) *meshosv1.NameView {
	out := &meshosv1.NameView{
		Name: valid(in.Host), Lookup: meshosv1.Lookup(in.Lookup), Reason: valid(in.Reason),
		Since: durationpb.New(max(0, now.Sub(in.Since))), Addresses: validAll(in.Addresses), Peers: numbers(in.Peers),
	}
	if !in.KeptUntil.IsZero() {
		out.Kept = durationpb.New(max(0, in.KeptUntil.Sub(now)))
	}
	return out
}

func infoToProto(in *snapshot.Info) *meshosv1.NodeInfo {
	if in == nil {
		return nil
	}
	out := &meshosv1.NodeInfo{
		Name: valid(in.Name), Cluster: valid(in.Cluster), Version: valid(in.Version),
		StartedAt: wall(in.StartedAt), Uptime: durationpb.New(in.Uptime),
		UnsignedAccepted: in.Unsigned, Ordinary: uint32(in.Ordinary), BreakGlass: uint32(in.BreakGlass),
		OrdersRefused: valid(in.OrdersRefused), DataUnwritable: valid(in.DataUnwritable),
	}
	for _, name := range in.Operators {
		out.Operators = append(out.Operators, valid(name))
	}
	return out
}

func replicaToProto(in snapshot.Replica, now mesh.Time) *meshosv1.ReplicaView {
	out := &meshosv1.ReplicaView{
		Chain: uint64(in.Chain), Holders: numbers(in.Holders), Leader: orAbsent(in.Leader),
		Ordered: orderToProto(in.Ordered(), now), LocalOrdered: orderToProto(in.HoldOrdered(), now),
		LocalIntent: meshosv1.LocalReplicaIntent_Intent(in.Hold),
	}
	if in.HasDesired {
		out.Desired = &in.Desired
	}
	return out
}

func avoidToProto(in snapshot.Avoid, now mesh.Time) *meshosv1.AvoidView {
	return &meshosv1.AvoidView{Peer: uint64(in.Peer), Reason: valid(in.Reason), Ttl: durationpb.New(now.Until(in.Until))}
}

func daemonToProto(of *snapshot.Snapshot, in snapshot.Daemon) *meshosv1.DaemonView {
	now, beside := of.Now, of.Beside.Daemons[in.Daemon.ID]
	out := &meshosv1.DaemonView{
		Daemon:     daemonRef(in.Daemon),
		Lifecycle:  meshosv1.DaemonView_Lifecycle(in.Lifecycle),
		Saturation: in.Saturation,
		Restart:    meshosv1.DaemonView_Restart(in.Restart),
		RestartIn:  durationOrAbsent(in.RestartAt.Until(now)),
		Placement:  uint64(in.Placement),
		Age:        age(in.Since, now),
		Intent:     meshosv1.DaemonIntent_Intent(in.Intent),
		Pid:        in.PID,
		Restarts:   in.Restarts,
		Crashes:    in.Crashes,
		LastExit:   daemonEnd(in.LastEnd),
		NextStart:  ahead(in.NextStart, now),
		Outdated:   in.Outdated,
		StartError: valid(in.StartError),
		Rejected:   valid(in.Rejected),
		Ordered:    orderToProto(in.Ordered, now),

		LeftProcesses: uint32(beside.Left),

		Outcome:    meshosv1.DaemonView_Outcome(in.Outcome),
		Waiting:    valid(in.Waiting),
		Before:     numbers(in.Before),
		Checked:    in.Checked,
		Reloadable: in.Reloadable,
	}
	if in.Mode != mesh.RestartAlways {
		out.RestartMode = in.Mode.String()
	}
	for _, note := range beside.Notes {
		out.Notes = append(out.Notes, valid(note))
	}
	if in.Health != (mesh.DaemonHealth{}) {
		out.Health = &meshosv1.DaemonHealth{
			Status: meshosv1.DaemonHealth_Status(in.Health.Status), Reason: valid(in.Health.Reason),
		}
	}
	return out
}

// age returns how long ago a mark was; 0 if there is none.
func age(m snapshot.Mark, now mesh.Time) *durationpb.Duration {
	at, ok := m.Get()
	if !ok {
		at = now
	}
	return durationpb.New(now.Since(at))
}

// ahead returns in how long a mark is; nil if it is not ahead.
func ahead(m snapshot.Mark, now mesh.Time) *durationpb.Duration {
	if at, ok := m.Get(); ok && at > now {
		return durationpb.New(now.Until(at))
	}
	return nil
}

func orderToProto(in *snapshot.Order, now mesh.Time) *meshosv1.OrderView {
	if in == nil {
		return nil
	}
	return &meshosv1.OrderView{Height: in.Height, Age: durationpb.New(now.Since(in.At)), Operators: validAll(in.Operators.List())}
}

func cutOffToProto(in *snapshot.CutOff, now mesh.Time) *meshosv1.CutOffView {
	if in == nil {
		return nil
	}
	return &meshosv1.CutOffView{Lost: uint32(in.Lost), Peers: uint32(in.Peers), Since: durationpb.New(now.Since(in.Since))}
}

func echoToProto(in *snapshot.Peer, now mesh.Time) *meshosv1.EchoView {
	if !in.Probed() {
		return nil
	}
	e := &in.Echoes
	return &meshosv1.EchoView{
		State: meshosv1.EchoView_State(in.Echo), Since: durationOrAbsent(in.EchoSince.Since(now)),
		Sent: e.Sent, Received: e.Received, Late: e.Late,
		Unanswered: e.Unanswered, NoAnswer: meshosv1.NoAnswer(e.NoAnswer), Family: meshosv1.AddressFamily(e.Family),
	}
}

// peerOf returns a peer with what the host knows of it beside the core.
func peerOf(of *snapshot.Snapshot, in snapshot.Peer) *meshosv1.PeerView {
	out := peerToProto(in, of.HealthReason(&in), of.Now)
	if out.Member != nil {
		out.Member.Alarm = valid(of.Beside.Alarms[in.Node])
	}
	return out
}

func peerToProto(in snapshot.Peer, healthReason string, now mesh.Time) *meshosv1.PeerView {
	out := &meshosv1.PeerView{
		Peer:        uint64(in.Node),
		Name:        valid(in.Name),
		Health:      meshosv1.NodeHealth(in.Health),
		Maintenance: meshosv1.MaintenancePhase(in.Maintenance),
		Cordoned:    in.Cordoned,

		HealthReason: valid(healthReason),
		HealthSince:  durationOrAbsent(in.HealthSince.Since(now)),
		RttReason:    valid(in.Echoes.Reason),
		Echoes:       echoToProto(&in, now),
		HealthFamily: meshosv1.AddressFamily(in.HealthFamily),
	}
	if in.HasRTT {
		out.Rtt = durationpb.New(in.RTT)
	}
	if loss, known := in.Loss(); known {
		out.Loss = &loss
	}
	if jitter, known := in.Jitter(); known {
		out.Jitter = durationpb.New(jitter)
	}
	if inventory := in.InventoryAt(now); inventory != nil {
		out.Inventory = InventoryToProto(*inventory)
	}
	out.Member = memberToProto(&in, now)
	return out
}

// memberToProto leaves the inventory out of what a node says of itself: it is that of the peer.
func memberToProto(p *snapshot.Peer, now mesh.Time) *meshosv1.MemberView {
	in := p.Member
	if in == nil {
		return nil
	}
	out := &meshosv1.MemberView{Gone: in.Gone, Seed: in.Seed, FromHere: p.FromHere, Orderly: in.Orderly, OwnWord: p.OwnWord, Draining: p.Draining, Silent: in.Silent}
	if in.Heard {
		out.Heard = durationpb.New(now.Since(in.HeardAt))
	}
	if in.Summary != nil {
		said := *in.Summary
		said.Inventory = nil
		out.Summary = SummaryToProto(&said)
	}
	return out
}

func maintenanceToProto(in snapshot.Maintenance, now mesh.Time) *meshosv1.MaintenanceView {
	out := &meshosv1.MaintenanceView{
		Phase:    meshosv1.MaintenancePhase(in.Phase),
		Since:    durationOrAbsent(in.Since.Since(now)),
		Deadline: durationOrAbsent(in.Deadline.Until(now)),
		Reason:   valid(in.Reason),
		Cordoned: in.Cordoned,
		Draining: in.Draining,
		Ordered:  orderToProto(in.Ordered, now),
	}
	return out
}

func emittedToProto(in mesh.Emitted, now mesh.Time) *meshosv1.EmittedAction {
	return &meshosv1.EmittedAction{
		Id:     uint64(in.ID),
		Kind:   in.Action.Kind(),
		Age:    durationpb.New(now.Since(in.At)),
		Action: ActionToProto(in.Action, now),
	}
}

// PluginToProto converts what is known about one plugin.
func PluginToProto(in snapshot.Plugin) *meshosv1.PluginView {
	return &meshosv1.PluginView{
		Name:      valid(in.Name),
		Version:   valid(in.Version),
		Kinds:     validAll(in.Kinds),
		Status:    meshosv1.PluginView_Status(in.Status),
		Message:   valid(in.Message),
		Restarts:  in.Restarts,
		Calls:     in.Calls,
		Failures:  in.Failures,
		LastCall:  durationpb.New(in.LastCall),
		RestartIn: durationOrAbsent(in.RestartIn),
		Pid:       int64(in.PID),
		Sha256:    valid(in.SHA256),
		Warnings:  validAll(in.Warnings),
	}
}

func schedulerToProto(in *snapshot.Scheduler) *meshosv1.SchedulerView {
	if in == nil {
		return nil
	}
	return &meshosv1.SchedulerView{
		Active:       in.Active,
		IdleReason:   valid(in.IdleReason),
		ViewVersion:  in.ViewVersion,
		Age:          durationOrAbsent(in.Age),
		ChainsScored: uint32(in.ChainsScored),
		Moving:       uint32(in.Moving),
	}
}

func statsToProto(in snapshot.Stats) *meshosv1.Stats {
	return &meshosv1.Stats{
		EventsApplied:        in.EventsApplied,
		Ticks:                in.Ticks,
		EarlyTicks:           in.EarlyTicks,
		MissedMarks:          in.MissedMarks,
		ActionsEmitted:       in.ActionsEmitted,
		ActionsDropped:       in.ActionsDropped,
		Dispatched:           in.Dispatched,
		Failed:               in.Failed,
		Deferred:             in.Deferred,
		Gated:                in.Gated,
		DispatchRetries:      in.DispatchRetries,
		BackpressureAsserts:  in.BackpressureAsserts,
		BackpressureReleases: in.BackpressureReleases,
		AppendFailures:       in.AppendFailures,
		EventsRefused:        in.EventsRefused,
		LastTickTook:         durationpb.New(in.LastTickTook),
		TickP50:              durationpb.New(in.TickP50),
		TickP99:              durationpb.New(in.TickP99),
		EventsPerTick:        in.EventsPerTick,
	}
}
