package wire_test

import (
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
)

// The generators draw only values that the host may hold, so converting them to protobuf
// and back must not change them.

func genID() *rapid.Generator[uint64] { return rapid.Uint64Range(1, math.MaxUint64) }

func genNode() *rapid.Generator[mesh.NodeID] { return rapid.Map(genID(), as[mesh.NodeID]) }

func genChain() *rapid.Generator[mesh.ChainID] { return rapid.Map(genID(), as[mesh.ChainID]) }

func as[T ~uint64](id uint64) T { return T(id) }

func genNodeOrNone() *rapid.Generator[mesh.NodeID] {
	return rapid.OneOf(rapid.Just(mesh.NodeID(0)), genNode())
}

func genDuration() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(0, math.MaxInt64), func(n int64) time.Duration { return time.Duration(n) })
}

func genDaemonEnd() *rapid.Generator[mesh.DaemonEnd] {
	return rapid.OneOf(rapid.Just(mesh.DaemonEnd{}), rapid.Custom(func(t *rapid.T) mesh.DaemonEnd {
		return mesh.DaemonEnd{
			Code: rapid.Int32().Draw(t, "code"), Signal: rapid.String().Draw(t, "signal"), LastLine: rapid.String().Draw(t, "line"),
			At:    time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "at"), 0).UTC(),
			Asked: rapid.Bool().Draw(t, "asked"), Config: rapid.String().Draw(t, "config"),
			Unhealthy: rapid.String().Draw(t, "unhealthy"),
			Early:     time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "early")),
		}
	}))
}

func genDaemon() *rapid.Generator[mesh.DaemonRef] {
	return rapid.Custom(func(t *rapid.T) mesh.DaemonRef {
		return mesh.DaemonRef{ID: mesh.DaemonID(genID().Draw(t, "id")), Name: rapid.String().Draw(t, "name")}
	})
}

// event lifts a generator of one type of event to one of events.
func event[T mesh.Event](draw func(*rapid.T) T) *rapid.Generator[mesh.Event] {
	return rapid.Custom(func(t *rapid.T) mesh.Event { return draw(t) })
}

func genEvent() *rapid.Generator[mesh.Event] {
	return rapid.OneOf(
		event(func(t *rapid.T) mesh.ReplicaUpdate {
			return mesh.ReplicaUpdate{
				Change: mesh.ReplicaChange(rapid.Uint8Range(1, 4).Draw(t, "change")),
				Chain:  genChain().Draw(t, "chain"), Holder: genNode().Draw(t, "holder"),
			}
		}),
		event(func(t *rapid.T) mesh.ReplicaLeader {
			return mesh.ReplicaLeader{Chain: genChain().Draw(t, "chain"), Leader: genNodeOrNone().Draw(t, "leader")}
		}),
		event(func(t *rapid.T) mesh.ReplicaCurrent {
			var holders []mesh.NodeID
			for range rapid.IntRange(0, 3).Draw(t, "current") {
				holders = append(holders, genNode().Draw(t, "holder"))
			}
			return mesh.ReplicaCurrent{Chain: genChain().Draw(t, "chain"), Holders: holders}
		}),
		event(func(t *rapid.T) mesh.ReplicaTransition {
			return mesh.ReplicaTransition{
				Kind:  mesh.TransitionKind(rapid.Uint8Range(1, 2).Draw(t, "kind")),
				Chain: genChain().Draw(t, "chain"), Holder: genNode().Draw(t, "holder"),
			}
		}),
		event(func(t *rapid.T) mesh.DaemonStarted {
			return mesh.DaemonStarted{
				Daemon: genDaemon().Draw(t, "daemon"), PID: rapid.Int64().Draw(t, "pid"), Config: rapid.String().Draw(t, "config"),
			}
		}),
		event(func(t *rapid.T) mesh.DaemonExited {
			return mesh.DaemonExited{Daemon: genDaemon().Draw(t, "daemon"), End: genDaemonEnd().Draw(t, "end")}
		}),
		event(func(t *rapid.T) mesh.DaemonCrashed {
			return mesh.DaemonCrashed{
				Daemon: genDaemon().Draw(t, "daemon"), Reason: rapid.String().Draw(t, "reason"), End: genDaemonEnd().Draw(t, "end"),
			}
		}),
		event(func(t *rapid.T) mesh.DaemonReplaced {
			return mesh.DaemonReplaced{Daemon: genDaemon().Draw(t, "daemon")}
		}),
		event(func(t *rapid.T) mesh.DaemonRejected {
			return mesh.DaemonRejected{Daemon: genDaemon().Draw(t, "daemon"), Reason: rapid.String().Draw(t, "reason")}
		}),
		event(func(t *rapid.T) mesh.DaemonEnvironmentChanged {
			return mesh.DaemonEnvironmentChanged{Daemon: genDaemon().Draw(t, "daemon"), Changed: rapid.Bool().Draw(t, "changed")}
		}),
		event(func(t *rapid.T) mesh.DaemonHealthChanged {
			return mesh.DaemonHealthChanged{Daemon: genDaemon().Draw(t, "daemon"), Health: mesh.DaemonHealth{
				Status: mesh.DaemonStatus(rapid.Uint8Range(1, 3).Draw(t, "status")), Reason: rapid.String().Draw(t, "reason"),
			}}
		}),
		event(func(t *rapid.T) mesh.DaemonSaturationChanged {
			return mesh.DaemonSaturationChanged{
				Daemon: genDaemon().Draw(t, "daemon"), Saturation: rapid.Float32().Draw(t, "saturation"),
			}
		}),
		event(func(t *rapid.T) mesh.RTTSample {
			return genRTT(t)
		}),
		event(func(t *rapid.T) mesh.HealthSample {
			return genHealth(t)
		}),
		event(func(t *rapid.T) mesh.LogLine {
			return mesh.LogLine{
				Level:   mesh.LogLevel(rapid.Uint8Range(1, 5).Draw(t, "level")),
				Daemon:  mesh.DaemonID(genNodeOrNone().Draw(t, "daemon")),
				Message: rapid.String().Draw(t, "message"),
			}
		}),
		event(func(t *rapid.T) mesh.BlobAnnouncement {
			return mesh.BlobAnnouncement{
				Blob: mesh.BlobID(genID().Draw(t, "blob")), Holder: genNode().Draw(t, "holder"),
				SizeBytes: rapid.Uint64().Draw(t, "size"), Added: rapid.Bool().Draw(t, "added"),
			}
		}),
		event(func(t *rapid.T) mesh.PlacementIntent {
			return mesh.PlacementIntent{Chain: genChain().Draw(t, "chain"), Desired: rapid.Uint32().Draw(t, "desired")}
		}),
		event(func(t *rapid.T) mesh.DaemonIntent {
			return mesh.DaemonIntent{
				Daemon: genDaemon().Draw(t, "daemon"), Intent: mesh.RunIntent(rapid.Uint8Range(1, 2).Draw(t, "intent")),
				Node: genNodeOrNone().Draw(t, "node"),
			}
		}),
		event(func(t *rapid.T) mesh.LocalReplicaIntent {
			return mesh.LocalReplicaIntent{
				Chain: genChain().Draw(t, "chain"), Intent: mesh.HoldIntent(rapid.Uint8Range(1, 2).Draw(t, "intent")),
			}
		}),
		event(func(t *rapid.T) mesh.MaintenanceObserved {
			return mesh.MaintenanceObserved{
				Node: genNode().Draw(t, "node"), Phase: mesh.MaintenancePhase(rapid.Uint8Range(1, 6).Draw(t, "phase")),
				Reason: rapid.String().Draw(t, "reason"), Deadline: rapid.Ptr(genDuration(), true).Draw(t, "deadline"),
			}
		}),
		event(func(t *rapid.T) mesh.AdminReceived {
			return mesh.AdminReceived{Event: genAdmin().Draw(t, "admin"), Reason: rapid.StringN(-1, -1, mesh.MaxReason).Draw(t, "reason")}
		}),
		rapid.Just(mesh.Event(mesh.Shutdown{})),
	)
}

// command lifts a generator of one type of command to one of commands.
func command[T mesh.AdminEvent](draw func(*rapid.T) T) *rapid.Generator[mesh.AdminEvent] {
	return rapid.Custom(func(t *rapid.T) mesh.AdminEvent { return draw(t) })
}

func genAdmin() *rapid.Generator[mesh.AdminEvent] {
	node := func(t *rapid.T) mesh.NodeID { return genNode().Draw(t, "node") }
	return rapid.OneOf(
		command(func(t *rapid.T) mesh.EnterMaintenance {
			return mesh.EnterMaintenance{Node: node(t), DrainFor: rapid.Ptr(genDuration(), true).Draw(t, "drain_for")}
		}),
		command(func(t *rapid.T) mesh.ExitMaintenance { return mesh.ExitMaintenance{Node: node(t)} }),
		command(func(t *rapid.T) mesh.Drain {
			return mesh.Drain{Node: node(t), DrainFor: genDuration().Draw(t, "drain_for")}
		}),
		command(func(t *rapid.T) mesh.Cordon { return mesh.Cordon{Node: node(t)} }),
		command(func(t *rapid.T) mesh.Uncordon { return mesh.Uncordon{Node: node(t)} }),
		command(func(t *rapid.T) mesh.RestartAllDaemons { return mesh.RestartAllDaemons{Node: node(t)} }),
		command(func(t *rapid.T) mesh.ClearAvoidList { return mesh.ClearAvoidList{Node: node(t)} }),
		command(func(t *rapid.T) mesh.DropReplicas {
			return mesh.DropReplicas{Node: node(t), Chains: rapid.SliceOfN(genChain(), 1, 5).Draw(t, "chains")}
		}),
		command(func(t *rapid.T) mesh.InvalidatePlacement { return mesh.InvalidatePlacement{Node: node(t)} }),
		command(func(t *rapid.T) mesh.SetDaemonIntent {
			return mesh.SetDaemonIntent{
				Node: node(t), Daemon: genDaemon().Draw(t, "daemon"), Intent: mesh.RunIntent(rapid.IntRange(0, 2).Draw(t, "intent")),
			}
		}),
		command(func(t *rapid.T) mesh.SetPlacement {
			return mesh.SetPlacement{
				Node: node(t), Chain: genChain().Draw(t, "chain"), Desired: rapid.Ptr(rapid.Uint32(), true).Draw(t, "desired"),
			}
		}),
		command(func(t *rapid.T) mesh.SetLocalReplica {
			return mesh.SetLocalReplica{
				Node: node(t), Chain: genChain().Draw(t, "chain"), Intent: mesh.HoldIntent(rapid.IntRange(0, 2).Draw(t, "intent")),
			}
		}),
		command(func(t *rapid.T) mesh.StopNode { return mesh.StopNode{Node: node(t)} }),
		command(func(t *rapid.T) mesh.ReloadDaemon {
			return mesh.ReloadDaemon{Node: node(t), Daemon: genDaemon().Draw(t, "daemon")}
		}),
		command(func(t *rapid.T) mesh.SignalDaemon {
			return mesh.SignalDaemon{Node: node(t), Daemon: genDaemon().Draw(t, "daemon"), Signal: rapid.SampledFrom(mesh.Signals()).Draw(t, "signal")}
		}),
		command(func(t *rapid.T) mesh.RestartDaemon {
			return mesh.RestartDaemon{Node: node(t), Daemon: genDaemon().Draw(t, "daemon")}
		}),
		command(func(t *rapid.T) mesh.FreezeCluster { return mesh.FreezeCluster{TTL: genDuration().Draw(t, "ttl")} }),
		rapid.Just(mesh.AdminEvent(mesh.ThawCluster{})),
		command(func(t *rapid.T) mesh.FlushAvoidLists { return mesh.FlushAvoidLists{Local: node(t)} }),
		command(func(t *rapid.T) mesh.FlushAvoidLists { return mesh.FlushAvoidLists{OnPeer: node(t)} }),
		rapid.Just(mesh.AdminEvent(mesh.FlushAvoidLists{Global: true})),
		command(func(t *rapid.T) mesh.ForceEvictReplica {
			return mesh.ForceEvictReplica{Chain: genChain().Draw(t, "chain"), Victim: node(t)}
		}),
		command(func(t *rapid.T) mesh.ForceRestartDaemon {
			return mesh.ForceRestartDaemon{Daemon: genDaemon().Draw(t, "daemon"), Node: mesh.NodeID(rapid.Uint64().Draw(t, "of"))}
		}),
		command(func(t *rapid.T) mesh.ForceCutover {
			return mesh.ForceCutover{Chain: genChain().Draw(t, "chain"), Target: node(t)}
		}),
		command(func(t *rapid.T) mesh.KillMigration {
			return mesh.KillMigration{Migration: mesh.MigrationID(genID().Draw(t, "migration")), Node: mesh.NodeID(rapid.Uint64().Draw(t, "of"))}
		}),
		command(func(t *rapid.T) mesh.AdmitNode {
			return mesh.AdmitNode{
				Node: node(t), Name: rapid.StringMatching("[a-z0-9é.-]{1,20}").Draw(t, "name"), Key: genKey().Draw(t, "key"),
				LinkKey: genKey().Draw(t, "link key"), Seed: rapid.Bool().Draw(t, "seed"), Replace: rapid.Bool().Draw(t, "replace"),
			}
		}),
		command(func(t *rapid.T) mesh.AdmitNode {
			return mesh.AdmitNode{
				Node: node(t), TokenKey: genKey().Draw(t, "token key"), Seed: rapid.Bool().Draw(t, "seed"), Replace: rapid.Bool().Draw(t, "replace"),
				Expires: time.Unix(0, rapid.Int64().Draw(t, "expires")).UTC(),
			}
		}),
		command(func(t *rapid.T) mesh.ExpelNode { return mesh.ExpelNode{Node: node(t)} }),
		command(func(t *rapid.T) mesh.SetSigners {
			return mesh.SetSigners{
				AllowedSigners: rapid.String().Draw(t, "signers"), NeedOrdinary: rapid.Uint32().Draw(t, "ordinary"),
				NeedBreakGlass: rapid.Uint32().Draw(t, "break glass"), NeedThaw: rapid.Uint32().Draw(t, "thaw"),
			}
		}),
		command(func(t *rapid.T) mesh.Checkpoint {
			return mesh.Checkpoint{Height: genID().Draw(t, "height"), State: genKey().Draw(t, "state")}
		}),
		rapid.Just[mesh.AdminEvent](mesh.AcknowledgeRecovery{}),
	)
}

func genKey() *rapid.Generator[mesh.PublicKey] {
	return rapid.Custom(func(t *rapid.T) (k mesh.PublicKey) {
		copy(k[:], rapid.SliceOfN(rapid.ByteRange(1, 255), len(k), len(k)).Draw(t, "key"))
		return k
	})
}

func genInventory() *rapid.Generator[mesh.Inventory] {
	return rapid.Custom(func(t *rapid.T) mesh.Inventory {
		capabilities := rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "capabilities")
		slices.Sort(capabilities)
		if len(capabilities) == 0 {
			capabilities = nil
		}
		return mesh.Inventory{
			Node:            genNode().Draw(t, "node"),
			CPULoad1m:       rapid.Ptr(rapid.Float64(), true).Draw(t, "load"),
			MemUsedBytes:    rapid.Ptr(rapid.Uint64(), true).Draw(t, "mem used"),
			MemTotalBytes:   rapid.Ptr(rapid.Uint64(), true).Draw(t, "mem total"),
			DiskUsedBytes:   rapid.Ptr(rapid.Uint64(), true).Draw(t, "disk used"),
			DiskTotalBytes:  rapid.Ptr(rapid.Uint64(), true).Draw(t, "disk total"),
			SaturationTrend: rapid.Ptr(rapid.Float32(), true).Draw(t, "trend"),
			Capabilities:    capabilities,
			SoftwareVersion: rapid.Ptr(rapid.String(), true).Draw(t, "version"),
			ForkedFrom:      rapid.Ptr(genNode(), true).Draw(t, "fork"),

			LoadPerCPU:           rapid.Ptr(rapid.Float64(), true).Draw(t, "load per CPU"),
			CPUs:                 rapid.Ptr(rapid.Float64(), true).Draw(t, "CPUs"),
			CPUsUsed:             rapid.Ptr(rapid.Float64(), true).Draw(t, "CPUs used"),
			MachineCPUs:          rapid.Ptr(rapid.Uint32(), true).Draw(t, "machine's CPUs"),
			MachineCPUsUsed:      rapid.Ptr(rapid.Float64(), true).Draw(t, "machine's CPUs used"),
			MachineMemUsedBytes:  rapid.Ptr(rapid.Uint64(), true).Draw(t, "machine's memory used"),
			MachineMemTotalBytes: rapid.Ptr(rapid.Uint64(), true).Draw(t, "machine's memory"),
			DiskInodesUsed:       rapid.Ptr(rapid.Uint64(), true).Draw(t, "inodes used"),
			DiskInodesTotal:      rapid.Ptr(rapid.Uint64(), true).Draw(t, "inodes"),
			Disks:                orNone(rapid.SliceOf(rapid.Make[mesh.DiskSpace]()).Draw(t, "disks")),
			Temperatures:         orNone(rapid.SliceOf(rapid.Make[mesh.Temperature]()).Draw(t, "temperatures")),
			Links:                orNone(rapid.SliceOf(rapid.Make[mesh.NetworkLink]()).Draw(t, "links")),
			GPUs:                 orNone(rapid.SliceOf(rapid.Make[mesh.GPU]()).Draw(t, "GPUs")),
			Ages:                 genAges(t),
		}
	})
}

func genAges(t *rapid.T) (out mesh.FactAges) {
	for f := range mesh.Facts {
		out[f] = genDuration().Draw(t, "age")
	}
	return out
}

// orNone returns nil for a list without items, as it comes from the wire.
func orNone[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func genMigration() *rapid.Generator[mesh.Migration] {
	return rapid.Custom(func(t *rapid.T) mesh.Migration {
		return mesh.Migration{
			ID:              mesh.MigrationID(genID().Draw(t, "id")),
			Phase:           mesh.MigrationPhase(rapid.Uint8Range(0, 6).Draw(t, "phase")),
			Source:          genNodeOrNone().Draw(t, "source"),
			Target:          genNodeOrNone().Draw(t, "target"),
			Elapsed:         genDuration().Draw(t, "elapsed"),
			InPhase:         genDuration().Draw(t, "in phase"),
			SnapshotBytes:   rapid.Ptr(rapid.Uint64(), true).Draw(t, "bytes"),
			Retries:         rapid.Uint32().Draw(t, "retries"),
			ProgressPercent: rapid.Ptr(rapid.Uint32Range(0, 100), true).Draw(t, "progress"),
			BufferedEvents:  rapid.Uint32().Draw(t, "buffered"),
			Chain:           mesh.ChainID(rapid.Uint64().Draw(t, "chain")),
			DoneBytes:       rapid.Ptr(rapid.Uint64(), true).Draw(t, "done"),
			Left:            rapid.Ptr(genDuration(), true).Draw(t, "left"),
		}
	})
}

func genRTT(t *rapid.T) mesh.RTTSample {
	sent := rapid.Uint32().Draw(t, "sent")
	received := rapid.Uint32Max(sent).Draw(t, "received")
	return mesh.RTTSample{
		Peer: genNode().Draw(t, "peer"), RTT: genDuration().Draw(t, "rtt"),
		Echoes: mesh.Echoes{
			Sent: sent, Received: received, Late: rapid.Uint32Max(sent-received).Draw(t, "late"),
			Jitter: genDuration().Draw(t, "jitter"), Reason: rapid.String().Draw(t, "reason"),
			Round: rapid.Uint64().Draw(t, "round"), Unanswered: rapid.Uint32().Draw(t, "unanswered"),
			NoAnswer: mesh.NoAnswer(rapid.Uint8Range(0, 4).Draw(t, "no answer")),
		},
	}
}

func genHealth(t *rapid.T) mesh.HealthSample {
	return mesh.HealthSample{
		Peer: genNode().Draw(t, "peer"), Health: mesh.NodeHealth(rapid.Uint8Range(1, 3).Draw(t, "health")),
		Reason: rapid.String().Draw(t, "reason"),
	}
}
