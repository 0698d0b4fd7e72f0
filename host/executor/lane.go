package executor

import (
	"strconv"

	"github.com/meshos/meshos/host/mesh"
)

// lane is the thing that an action works on. It is wider than the action's key: the
// start and the stop of one daemon are two keys and one lane.
type lane struct {
	kind string
	id   uint64
}

// String returns what errors name, such as "daemon 7".
func (l lane) String() string { return l.kind + " " + strconv.FormatUint(l.id, 10) }

func laneOf(a mesh.Action) lane {
	key := a.Key()
	switch a.(type) {
	case mesh.StartDaemon, mesh.StopDaemon, mesh.ApplyBackoff, mesh.AskReload, mesh.SendSignal:
		return lane{"daemon", key.Subject}
	case mesh.PullReplica, mesh.DropReplica, mesh.RequestPlacement, mesh.RequestEviction, mesh.TransferLeader:
		return lane{"chain", key.Subject}
	case mesh.MigrateBlob, mesh.ReduceHeat:
		return lane{"blob", key.Subject}
	case mesh.MarkAvoid:
		return lane{"peer", key.Subject}
	case mesh.CommitTransition:
		return lane{"node", key.Subject}
	}
	return lane{key.Kind, key.Subject}
}
