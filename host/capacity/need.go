package capacity

import "github.com/meshos/meshos/host/mesh"

// kind is a kind of thing that a node remembers.
type kind uint8

const (
	peers kind = iota
	chains
	daemons
	blobs
	kinds // how many there are

	nothing = kinds
)

// String returns the name of the kind's key in [capacity].
func (k kind) String() string { return [...]string{"peers", "chains", "daemons", "blobs"}[k] }

// one returns the word for one of the kind.
func (k kind) one() string { return [...]string{"node", "chain", "daemon", "blob"}[k] }

// need is what has to be remembered because of an event.
type need struct {
	kind   kind
	id     uint64
	holder mesh.NodeID // of a chain or a blob; 0 for none
	name   string      // of a daemon
}

// needOf returns what an event makes the state remember; its kind is nothing if that is
// nothing of which there can be too much.
func needOf(ev mesh.Event) need {
	switch ev := ev.(type) {
	case mesh.ReplicaUpdate:
		if ev.Change == mesh.ReplicaAdded || ev.Change == mesh.ReplicaRepaired {
			return need{kind: chains, id: uint64(ev.Chain), holder: ev.Holder}
		}
	case mesh.ReplicaLeader:
		if ev.Leader != 0 {
			return need{kind: chains, id: uint64(ev.Chain)}
		}
	case mesh.ReplicaTransition:
		if ev.Kind == mesh.BecameHolderAndLeader {
			return need{kind: chains, id: uint64(ev.Chain), holder: ev.Holder}
		}
	case mesh.PlacementIntent:
		return need{kind: chains, id: uint64(ev.Chain)}
	case mesh.LocalReplicaIntent:
		return need{kind: chains, id: uint64(ev.Chain)}
	case mesh.BlobAnnouncement:
		if ev.Added {
			return need{kind: blobs, id: uint64(ev.Blob), holder: ev.Holder}
		}
	case mesh.RTTSample:
		return need{kind: peers, id: uint64(ev.Peer)}
	case mesh.HealthSample:
		return need{kind: peers, id: uint64(ev.Peer)}
	case mesh.MaintenanceObserved:
		return need{kind: peers, id: uint64(ev.Node)}
	case mesh.DaemonStarted:
		return daemon(ev.Daemon)
	case mesh.DaemonExited:
		return daemon(ev.Daemon)
	case mesh.DaemonCrashed:
		return daemon(ev.Daemon)
	case mesh.DaemonHealthChanged:
		return daemon(ev.Daemon)
	case mesh.DaemonSaturationChanged:
		return daemon(ev.Daemon)
	case mesh.DaemonIntent:
		return daemon(ev.Daemon)
	case mesh.AdminReceived:
		return commandNeed(ev.Event)
	}
	return need{kind: nothing}
}

func daemon(ref mesh.DaemonRef) need {
	return need{kind: daemons, id: uint64(ref.ID), name: ref.Name}
}

// commandNeed returns the same of a command; see chainsOf for one that names many chains.
func commandNeed(ev mesh.AdminEvent) need {
	switch ev := ev.(type) {
	case mesh.EnterMaintenance:
		return need{kind: peers, id: uint64(ev.Node)}
	case mesh.ExitMaintenance:
		return need{kind: peers, id: uint64(ev.Node)}
	case mesh.Drain:
		return need{kind: peers, id: uint64(ev.Node)}
	case mesh.Cordon:
		return need{kind: peers, id: uint64(ev.Node)}
	case mesh.ForceRestartDaemon: // these are of one that exists; only its name matters
		return need{kind: nothing, name: ev.Daemon.Name}
	case mesh.RestartDaemon:
		return need{kind: nothing, name: ev.Daemon.Name}
	case mesh.ReloadDaemon:
		return need{kind: nothing, name: ev.Daemon.Name}
	case mesh.SignalDaemon:
		return need{kind: nothing, name: ev.Daemon.Name}
	case mesh.SetDaemonIntent:
		return need{kind: nothing, name: ev.Daemon.Name}
	case mesh.SetChain:
		if !ev.Deleted {
			return need{kind: chains, id: uint64(ev.Chain)}
		}
	}
	return need{kind: nothing}
}

// chainsOf returns the chains that a command makes this node remember beside that.
func chainsOf(ev mesh.AdminEvent, self mesh.NodeID) []mesh.ChainID {
	if drop, is := ev.(mesh.DropReplicas); is && drop.Node == self {
		return drop.Chains
	}
	return nil
}
