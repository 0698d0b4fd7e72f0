package wire

import (
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Signed is a signed command as it was received. Payload holds exactly the bytes that were
// signed: they are judged before they are decoded, and are never encoded again.
type Signed struct {
	Payload    []byte
	Signatures [][]byte
}

// EventFromProto checks and converts one event. Exactly one of the three results is set:
// a signed command becomes an event only after it was judged. The error is a *FieldError.
func EventFromProto(in *meshosv1.Event) (mesh.Event, *Signed, error) {
	switch kind := in.GetKind().(type) {
	case *meshosv1.Event_SignedCommit:
		signed, err := signedFromProto(kind.SignedCommit)
		return nil, signed, err
	case *meshosv1.Event_Admin:
		admin, err := adminFromProto(&fields{at: "admin"}, kind.Admin)
		if err != nil {
			return nil, nil, err
		}
		f := &fields{}
		out := mesh.AdminReceived{Event: admin, Reason: f.reason("reason", in.GetReason())}
		if f.err != nil {
			return nil, nil, f.err
		}
		return out, nil, nil
	}
	event, err := plainFromProto(in)
	return event, nil, err
}

func signedFromProto(in *meshosv1.SignedCommit) (*Signed, error) {
	f := fields{at: "signed_commit"}
	if len(in.GetPayload()) == 0 {
		f.fail("payload", "must be set")
	}
	if f.err != nil {
		return nil, f.err
	}
	return &Signed{Payload: in.GetPayload(), Signatures: in.GetSignatures()}, nil
}

// plainFromProto converts an event that is not an operator command.
func plainFromProto(in *meshosv1.Event) (mesh.Event, error) {
	var f fields
	var out mesh.Event
	switch kind := in.GetKind().(type) {
	case *meshosv1.Event_ReplicaUpdate:
		out = f.replicaUpdate(kind.ReplicaUpdate)
	case *meshosv1.Event_ReplicaLeader:
		out = f.replicaLeader(kind.ReplicaLeader)
	case *meshosv1.Event_ReplicaCurrent:
		out = f.replicaCurrent(kind.ReplicaCurrent)
	case *meshosv1.Event_ReplicaTransition:
		out = f.replicaTransition(kind.ReplicaTransition)
	case *meshosv1.Event_DaemonLifecycle:
		out = f.daemonLifecycle(kind.DaemonLifecycle)
	case *meshosv1.Event_RttSample:
		out = f.rttSample(kind.RttSample)
	case *meshosv1.Event_NodeHealth:
		out = f.nodeHealth(kind.NodeHealth)
	case *meshosv1.Event_LogLine:
		out = f.logLine(kind.LogLine)
	case *meshosv1.Event_BlobAnnouncement:
		out = f.blobAnnouncement(kind.BlobAnnouncement)
	case *meshosv1.Event_PlacementIntent:
		out = f.placementIntent(kind.PlacementIntent)
	case *meshosv1.Event_DaemonIntent:
		out = f.daemonIntent(kind.DaemonIntent)
	case *meshosv1.Event_LocalReplicaIntent:
		out = f.localReplicaIntent(kind.LocalReplicaIntent)
	case *meshosv1.Event_MaintenanceObserved:
		out = f.maintenanceObserved(kind.MaintenanceObserved)
	case *meshosv1.Event_Shutdown:
		out = mesh.Shutdown{}
	default:
		f.fail("kind", "must be set to a kind of event that this version knows")
	}
	if f.err != nil {
		return nil, f.err
	}
	return out, nil
}

func (f *fields) replicaUpdate(in *meshosv1.ReplicaUpdate) mesh.Event {
	f.at = "replica_update"
	return mesh.ReplicaUpdate{
		Change: mesh.ReplicaChange(f.enum("kind", int32(in.GetKind()), int32(mesh.ReplicaRepaired))),
		Chain:  mesh.ChainID(f.id("chain", in.GetChain())),
		Holder: mesh.NodeID(f.id("holder", in.GetHolder())),
	}
}

func (f *fields) replicaLeader(in *meshosv1.ReplicaLeader) mesh.Event {
	f.at = "replica_leader"
	out := mesh.ReplicaLeader{Chain: mesh.ChainID(f.id("chain", in.GetChain()))}
	if in != nil {
		out.Leader = mesh.NodeID(f.optionalID("leader", in.Leader))
	}
	return out
}

func (f *fields) replicaCurrent(in *meshosv1.ReplicaCurrent) mesh.Event {
	f.at = "replica_current"
	return mesh.ReplicaCurrent{Chain: mesh.ChainID(f.id("chain", in.GetChain())), Holders: ids[mesh.NodeID](f, "holders", in.GetHolders())}
}

func (f *fields) replicaTransition(in *meshosv1.ReplicaTransition) mesh.Event {
	f.at = "replica_transition"
	return mesh.ReplicaTransition{
		Kind:   mesh.TransitionKind(f.enum("kind", int32(in.GetKind()), int32(mesh.LeaderLostAndRemoved))),
		Chain:  mesh.ChainID(f.id("chain", in.GetChain())),
		Holder: mesh.NodeID(f.id("holder", in.GetHolder())),
	}
}

func (f *fields) rttSample(in *meshosv1.RttSample) mesh.Event {
	f.at = "rtt_sample"
	out := f.rtt("", in)
	if in.GetRtt() == nil {
		f.fail("rtt", "must be set")
	}
	return out
}

// rtt reads a sample whose path begins with at.
func (f *fields) rtt(at string, in *meshosv1.RttSample) mesh.RTTSample {
	out := mesh.RTTSample{
		Peer: mesh.NodeID(f.id(at+"peer", in.GetPeer())),
		RTT:  f.durationOr0(at+"rtt", in.GetRtt()),
		Echoes: mesh.Echoes{
			Sent: in.GetSent(), Received: in.GetReceived(), Late: in.GetLate(),
			Jitter: f.durationOr0(at+"jitter", in.GetJitter()), Reason: f.text(at+"reason", in.GetReason()),
			Round: in.GetRound(), Unanswered: in.GetUnanswered(),
			NoAnswer: mesh.NoAnswer(f.enumOr0(at+"no_answer", int32(in.GetNoAnswer()), int32(mesh.NoAnswerNotSent))),
			Family:   f.family(at, in.GetFamily()),
		},
	}
	switch answered := uint64(out.Received) + uint64(out.Late); {
	case out.Received > out.Sent:
		f.fail(at+"received", "must not be more than sent (%d), is %d", out.Sent, out.Received)
	case answered > uint64(out.Sent):
		f.fail(at+"late", "must not be more than what is left of sent (%d), is %d", out.Sent-out.Received, out.Late)
	}
	return out
}

func (f *fields) nodeHealth(in *meshosv1.NodeHealthSample) mesh.Event {
	f.at = "node_health"
	return f.health("", in)
}

// health reads a sample whose path begins with at.
func (f *fields) health(at string, in *meshosv1.NodeHealthSample) mesh.HealthSample {
	return mesh.HealthSample{
		Peer:   mesh.NodeID(f.id(at+"peer", in.GetPeer())),
		Health: mesh.NodeHealth(f.enum(at+"health", int32(in.GetHealth()), int32(mesh.HealthUnreachable))),
		Reason: f.text(at+"reason", in.GetReason()),
		Family: f.family(at, in.GetFamily()),
	}
}

func (f *fields) family(at string, in meshosv1.AddressFamily) mesh.Family {
	out := mesh.Family(f.enumOr0(at+"family", int32(in), int32(mesh.FamilyIPv6)))
	if out != mesh.FamilyUnknown && !out.Known() {
		f.fail(at+"family", "%d is unknown", in)
	}
	return out
}

func (f *fields) logLine(in *meshosv1.LogLine) mesh.Event {
	f.at = "log_line"
	out := mesh.LogLine{
		Level:   mesh.LogLevel(f.enum("level", int32(in.GetLevel()), int32(mesh.LevelError))),
		Source:  f.text("source", in.GetSource()),
		Message: f.text("message", in.GetMessage()),
	}
	if in != nil {
		out.Daemon = mesh.DaemonID(f.optionalID("daemon_id", in.DaemonId))
	}
	if at := in.GetOutput(); at != nil {
		out.Output = mesh.OutputPlace{Spool: at.GetSpool(), Segment: at.GetSegment(), Offset: at.GetOffset()}
	}
	return out
}

func (f *fields) blobAnnouncement(in *meshosv1.BlobAnnouncement) mesh.Event {
	f.at = "blob_announcement"
	return mesh.BlobAnnouncement{
		Blob:      mesh.BlobID(f.id("blob", in.GetBlob())),
		Holder:    mesh.NodeID(f.id("holder", in.GetHolder())),
		SizeBytes: in.GetSizeBytes(),
		Added:     in.GetAdded(),
	}
}

func (f *fields) placementIntent(in *meshosv1.PlacementIntent) mesh.Event {
	f.at = "placement_intent"
	return mesh.PlacementIntent{
		Chain:   mesh.ChainID(f.id("chain", in.GetChain())),
		Desired: in.GetDesiredReplicas(),
	}
}

func (f *fields) localReplicaIntent(in *meshosv1.LocalReplicaIntent) mesh.Event {
	f.at = "local_replica_intent"
	return mesh.LocalReplicaIntent{
		Chain:  mesh.ChainID(f.id("chain", in.GetChain())),
		Intent: mesh.HoldIntent(f.enum("intent", int32(in.GetIntent()), int32(mesh.HoldDrop))),
	}
}

func (f *fields) maintenanceObserved(in *meshosv1.MaintenanceObserved) mesh.Event {
	f.at = "maintenance_observed"
	return mesh.MaintenanceObserved{
		Node:     mesh.NodeID(f.id("node", in.GetNode())),
		Phase:    mesh.MaintenancePhase(f.enum("phase", int32(in.GetPhase()), int32(mesh.PhaseRecovery))),
		Reason:   f.text("reason", in.GetReason()),
		Deadline: f.duration("deadline", in.GetDeadline()),
	}
}
