package wire

import (
	"cmp"
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SnapshotDeltas returns what leads from an earlier snapshot of a node to a later one, in
// messages of at most limit bytes. It takes as long as was changed in between.
func SnapshotDeltas(earlier, later *snapshot.Snapshot, f *Filter, limit int) []*meshosv1.SnapshotDelta {
	d := &deltas{filter: f, limit: limit, out: []*meshosv1.SnapshotDelta{{Scalars: scalarsToProto(later)}}}
	d.size = proto.Size(d.out[0])
	a, b := earlier, later
	origin := Origin{Node: b.Node, Epoch: b.Epoch}
	if f.section(hostv1.SnapshotFilter_SECTION_DAEMONS) {
		tableDelta(d, snapshot.DaemonChanges(a, b), f.daemon, func(v snapshot.Daemon) *meshosv1.DaemonView { return f.daemonToProto(b, v) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.DaemonView, *[]uint64) {
				return &m.Daemons, &m.RemovedDaemons
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_REPLICAS) {
		tableDelta(d, snapshot.ReplicaChanges(a, b), f.chain, func(v snapshot.Replica) *meshosv1.ReplicaView { return replicaToProto(v, b.Now) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.ReplicaView, *[]uint64) {
				return &m.Replicas, &m.RemovedReplicas
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_PEERS) {
		tableDelta(d, snapshot.PeerChanges(a, b), f.peer, func(v snapshot.Peer) *meshosv1.PeerView { return peerOf(b, v) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.PeerView, *[]uint64) { return &m.Peers, &m.RemovedPeers })
	}
	if f.section(hostv1.SnapshotFilter_SECTION_AVOID_LIST) {
		tableDelta(d, snapshot.AvoidChanges(a, b), f.avoided, func(v snapshot.Avoid) *meshosv1.AvoidView { return avoidToProto(v, b.Now) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.AvoidView, *[]uint64) {
				return &m.AvoidList, &m.RemovedAvoided
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_WAITING_FOR) {
		d.waiting(&a.Maintenance.Waiting, &b.Maintenance.Waiting)
	}
	if f.section(hostv1.SnapshotFilter_SECTION_RECENTLY_EMITTED) {
		ringDelta(d, a.Emitted, b.Emitted, func(e *mesh.Emitted) uint64 { return uint64(e.ID) }, 0, 0,
			func(e mesh.Emitted, _ bool) *meshosv1.EmittedAction { return emittedToProto(e, b.Now) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.EmittedAction, *[]uint64) {
				return &m.RecentlyEmitted, &m.RemovedEmitted
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_RECENT_FAILURES) {
		ringDelta(d, a.Failures, b.Failures, func(r *mesh.FailureRecord) uint64 { return r.Seq }, a.Acknowledged.Failure, b.Acknowledged.Failure, origin.Failure,
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.FailureRecord, *[]uint64) {
				return &m.RecentFailures, &m.RemovedFailures
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_ADMIN_AUDIT) {
		ringDelta(d, a.Audit, b.Audit, func(r *mesh.AuditRecord) uint64 { return r.Seq }, a.Acknowledged.Audit, b.Acknowledged.Audit, origin.Audit,
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.AdminAuditRecord, *[]uint64) {
				return &m.AdminAudit, &m.RemovedAudit
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_LOGS) {
		ringDelta(d, a.Logs, b.Logs, func(r *mesh.LogRecord) uint64 { return r.Seq }, a.Acknowledged.Log, b.Acknowledged.Log, origin.Log,
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.LogRecord, *[]uint64) { return &m.Logs, &m.RemovedLogs })
	}
	if f.section(hostv1.SnapshotFilter_SECTION_IN_FLIGHT_MIGRATIONS) && !sameSlice(a.Migrations, b.Migrations) {
		shortDelta(d, a.Migrations, b.Migrations, func(m *mesh.Migration) uint64 { return uint64(m.ID) }, MigrationToProto, MigrationToProto,
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.MigrationView, *[]uint64) {
				return &m.InFlightMigrations, &m.RemovedMigrations
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_PLUGINS) {
		shortDelta(d, a.Plugins, b.Plugins, func(p *snapshot.Plugin) string { return valid(p.Name) }, PluginToProto, PluginToProto,
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.PluginView, *[]string) {
				return &m.Plugins, &m.RemovedPlugins
			})
	}
	if f.section(hostv1.SnapshotFilter_SECTION_UNRESOLVED) && !sameSlice(a.Unresolved, b.Unresolved) {
		shortDelta(d, a.Unresolved, b.Unresolved, func(n *snapshot.Name) string { return valid(n.Host) },
			func(n snapshot.Name) *meshosv1.NameView { return nameToProto(n, b.TakenAt) }, // both, so that age alone is no change
			func(n snapshot.Name) *meshosv1.NameView { return nameToProto(n, b.TakenAt) },
			func(m *meshosv1.SnapshotDelta) (*[]*meshosv1.NameView, *[]string) {
				return &m.Unresolved, &m.RemovedUnresolved
			})
	}
	for _, m := range d.out[:len(d.out)-1] {
		m.More = true
	}
	return d.out
}

// deltas are the messages of one change.
type deltas struct {
	filter *Filter
	out    []*meshosv1.SnapshotDelta
	limit  int
	size   int // of the last one
}

// room returns the message that has room for another entry.
func (d *deltas) room(entry int) *meshosv1.SnapshotDelta {
	entry += 6
	if d.size+entry > d.limit && d.size > 0 {
		d.out, d.size = append(d.out, &meshosv1.SnapshotDelta{}), 16
	}
	d.size += entry
	return d.out[len(d.out)-1]
}

// sameSlice reports whether two lists are one in memory.
func sameSlice[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

func tableDelta[K ~uint64, V any, M proto.Message](
	d *deltas, changes iter.Seq2[K, shared.Change[V]], keep func(*V) bool, convert func(V) M,
	of func(*meshosv1.SnapshotDelta) (changed *[]M, removed *[]uint64),
) {
	for k, c := range changes {
		switch {
		case c.New != nil && keep(c.New):
			m := convert(*c.New)
			changed, _ := of(d.room(proto.Size(m)))
			*changed = append(*changed, m)
		case c.Old != nil && keep(c.Old):
			_, removed := of(d.room(10))
			*removed = append(*removed, uint64(k))
		}
	}
}

// ringDelta is for records, whose numbers ascend and which do not change but for being
// pending.
func ringDelta[V any, M proto.Message](
	d *deltas, earlier, later []V, seq func(*V) uint64, ackedBefore, acked uint64, convert func(v V, pending bool) M,
	of func(*meshosv1.SnapshotDelta) (changed *[]M, removed *[]uint64),
) {
	if sameSlice(earlier, later) && ackedBefore == acked {
		return
	}
	for i := range later {
		at := seq(&later[i])
		for len(earlier) > 0 && seq(&earlier[0]) < at {
			_, removed := of(d.room(10))
			*removed = append(*removed, seq(&earlier[0]))
			earlier = earlier[1:]
		}
		if len(earlier) > 0 && seq(&earlier[0]) == at {
			earlier = earlier[1:]
			if (at > ackedBefore) == (at > acked) {
				continue
			}
		}
		m := convert(later[i], at > acked)
		changed, _ := of(d.room(proto.Size(m)))
		*changed = append(*changed, m)
	}
	for i := range earlier {
		_, removed := of(d.room(10))
		*removed = append(*removed, seq(&earlier[i]))
	}
}

// shortDelta is for short lists, sorted by what names an entry.
func shortDelta[K cmp.Ordered, V any, M proto.Message](
	d *deltas, earlier, later []V, key func(*V) K, was, is func(V) M,
	of func(*meshosv1.SnapshotDelta) (changed *[]M, removed *[]K),
) {
	before := make(map[K]M, len(earlier))
	for i := range earlier {
		before[key(&earlier[i])] = was(earlier[i])
	}
	for i := range later {
		m, k := is(later[i]), key(&later[i])
		old, known := before[k]
		delete(before, k)
		if known && proto.Equal(old, m) {
			continue
		}
		changed, _ := of(d.room(proto.Size(m)))
		*changed = append(*changed, m)
	}
	for i := range earlier {
		k := key(&earlier[i])
		if _, gone := before[k]; gone {
			_, removed := of(d.room(64))
			*removed = append(*removed, k)
		}
	}
}

func (d *deltas) waiting(a, b *snapshot.Waiting) {
	for id, c := range shared.Changes(a.Chains, b.Chains, func(_, _ *struct{}) bool { return true }) {
		if d.filter.waitingChain(id) {
			d.wait(c.New != nil, snapshot.ChainWaits(id))
		}
	}
	if sameSlice(a.Daemons, b.Daemons) {
		return
	}
	before := make(map[mesh.DaemonRef]bool, len(a.Daemons))
	for _, ref := range a.Daemons {
		before[ref] = true
	}
	for _, ref := range b.Daemons {
		if !before[ref] && d.filter.waitingDaemon(ref) {
			d.wait(true, valid(snapshot.DaemonWaits(ref)))
		}
		delete(before, ref)
	}
	for _, ref := range a.Daemons {
		if before[ref] && d.filter.waitingDaemon(ref) {
			d.wait(false, valid(snapshot.DaemonWaits(ref)))
		}
	}
}

func (d *deltas) wait(on bool, words string) {
	m := d.room(len(words))
	if on {
		m.WaitingFor = append(m.WaitingFor, words)
	} else {
		m.RemovedWaitingFor = append(m.RemovedWaitingFor, words)
	}
}
