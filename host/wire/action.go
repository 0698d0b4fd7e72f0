package wire

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ActionToProto converts one action as seen at now: a deadline becomes the time that is
// left until it, 0 if it is past. It panics on a type of action that it does not know: then
// somebody added one to host/mesh and forgot this function.
func ActionToProto(in mesh.Action, now mesh.Time) *meshosv1.Action {
	switch a := in.(type) {
	case mesh.StartDaemon:
		return &meshosv1.Action{Kind: &meshosv1.Action_StartDaemon{StartDaemon: &meshosv1.StartDaemon{
			Daemon: daemonRef(a.Daemon),
		}}}
	case mesh.StopDaemon:
		return &meshosv1.Action{Kind: &meshosv1.Action_StopDaemon{StopDaemon: &meshosv1.StopDaemon{
			Daemon: daemonRef(a.Daemon), Reason: valid(a.Reason), Grace: durationpb.New(now.Until(a.Deadline)),
		}}}
	case mesh.PullReplica:
		return &meshosv1.Action{Kind: &meshosv1.Action_PullReplica{PullReplica: &meshosv1.PullReplica{
			Chain: uint64(a.Chain), Source: uint64(a.Source),
		}}}
	case mesh.DropReplica:
		return &meshosv1.Action{Kind: &meshosv1.Action_DropReplica{DropReplica: &meshosv1.DropReplica{
			Chain: uint64(a.Chain),
		}}}
	case mesh.RequestPlacement:
		return &meshosv1.Action{Kind: &meshosv1.Action_RequestPlacement{RequestPlacement: &meshosv1.RequestPlacement{
			Chain: uint64(a.Chain), Exclude: numbers(a.Exclude), Target: orAbsent(a.Target), Replaces: orAbsent(a.Replaces),
		}}}
	case mesh.RequestEviction:
		return &meshosv1.Action{Kind: &meshosv1.Action_RequestEviction{RequestEviction: &meshosv1.RequestEviction{
			Chain: uint64(a.Chain), Victim: uint64(a.Victim),
		}}}
	case mesh.TransferLeader:
		return &meshosv1.Action{Kind: &meshosv1.Action_TransferLeader{TransferLeader: &meshosv1.TransferLeader{
			Chain: uint64(a.Chain), To: uint64(a.To),
		}}}
	case mesh.MigrateBlob:
		return &meshosv1.Action{Kind: &meshosv1.Action_MigrateBlob{MigrateBlob: &meshosv1.MigrateBlob{
			Blob: uint64(a.Blob), From: uint64(a.From), To: uint64(a.To),
		}}}
	case mesh.ReduceHeat:
		return &meshosv1.Action{Kind: &meshosv1.Action_ReduceHeat{ReduceHeat: &meshosv1.ReduceHeat{
			Blob: uint64(a.Blob), By: a.By,
		}}}
	case mesh.MarkAvoid:
		return &meshosv1.Action{Kind: &meshosv1.Action_MarkAvoid{MarkAvoid: &meshosv1.MarkAvoid{
			Peer: uint64(a.Peer), Reason: valid(a.Reason), Ttl: durationpb.New(a.TTL),
		}}}
	case mesh.ApplyBackoff:
		return &meshosv1.Action{Kind: &meshosv1.Action_ApplyBackoff{ApplyBackoff: &meshosv1.ApplyBackoff{
			Daemon: daemonRef(a.Daemon), Remaining: durationpb.New(now.Until(a.Until)),
		}}}
	case mesh.AskReload:
		return &meshosv1.Action{Kind: &meshosv1.Action_AskReload{AskReload: &meshosv1.AskReload{Daemon: daemonRef(a.Daemon)}}}
	case mesh.SendSignal:
		return &meshosv1.Action{Kind: &meshosv1.Action_SendSignal{SendSignal: &meshosv1.SendSignal{
			Daemon: daemonRef(a.Daemon), Signal: valid(a.Signal),
		}}}
	case mesh.CommitTransition:
		return &meshosv1.Action{Kind: &meshosv1.Action_CommitMaintenanceTransition{
			CommitMaintenanceTransition: &meshosv1.CommitMaintenanceTransition{
				Node: uint64(a.Node), Target: meshosv1.MaintenancePhase(a.Target), Reason: valid(a.Reason),
			},
		}}
	}
	panic(fmt.Sprintf("wire: action of unknown type %T", in))
}
