package wire

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/snapshot/shared"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
	"google.golang.org/protobuf/proto"
)

// Position is where a page of a snapshot begins. The zero value is the beginning.
type Position struct {
	list int    // which list
	from uint64 // id or index of the first entry
}

// SnapshotPage converts as much of a snapshot as fits into limit bytes, from a position on. It
// returns where the next page begins; more is false if nothing is left.
func SnapshotPage(in *snapshot.Snapshot, f *Filter, at Position, limit int) (out *meshosv1.Snapshot, next Position, more bool) {
	p := &page{in: in, filter: f, limit: limit, out: &meshosv1.Snapshot{
		Node: uint64(in.Node), Epoch: in.Epoch, EpochHex: EpochHex(in.Epoch), Tick: in.Tick, TakenAt: wall(in.TakenAt),
	}}
	if at == (Position{}) {
		p.out = scalarsToProto(in)
	}
	p.size = proto.Size(p.out) + 256 // for counts and next_page
	lists := listsOf(p)
	for i := at.list; i < len(lists); i++ {
		from := uint64(0)
		if i == at.list {
			from = at.from
		}
		if !f.section(lists[i].section) {
			continue
		}
		if stopped, full := lists[i].fill(from); full {
			next, more = Position{i, stopped}, true
			break
		}
	}
	if at == (Position{}) && (more || f.Some()) {
		p.out.Counts = counts(in)
	}
	return p.out, next, more
}

// page is a page that is being filled.
type page struct {
	in     *snapshot.Snapshot
	filter *Filter
	out    *meshosv1.Snapshot
	limit  int
	size   int
	some   bool // it has an entry
}

// room reports whether the page has room for another entry, and takes it. A page always has
// room for one.
func (p *page) room(entry int) bool {
	entry += 6 // its field number and length
	if p.some && p.size+entry > p.limit {
		return false
	}
	p.some = true
	p.size += entry
	return true
}

// list is one list of a page. fill fills the page from an entry on; it returns at which entry
// it stopped, if the page is full.
type list struct {
	section hostv1.SnapshotFilter_Section
	fill    func(from uint64) (stopped uint64, full bool)
}

// listsOf returns the lists of a page. Those that say how the node is come first.
func listsOf(p *page) []list {
	in, f, out := p.in, p.filter, p.out
	origin := Origin{Node: in.Node, Epoch: in.Epoch}
	waiting := func(words string) bool {
		if !p.room(len(words)) {
			return false
		}
		if out.LocalMaintenance == nil {
			out.LocalMaintenance = &meshosv1.MaintenanceView{}
		}
		out.LocalMaintenance.WaitingFor = append(out.LocalMaintenance.WaitingFor, words)
		return true
	}
	return []list{
		{hostv1.SnapshotFilter_SECTION_PLUGINS, rows(p, in.Plugins, PluginToProto, &out.Plugins)},
		{hostv1.SnapshotFilter_SECTION_DAEMONS, table(p, in.Daemons, f.daemon, func(d snapshot.Daemon) *meshosv1.DaemonView { return f.daemonToProto(in, d) }, &out.Daemons)},
		{hostv1.SnapshotFilter_SECTION_PEERS, table(p, in.Peers, f.peer, func(v snapshot.Peer) *meshosv1.PeerView {
			return peerOf(in, v)
		}, &out.Peers)},
		{hostv1.SnapshotFilter_SECTION_AVOID_LIST, table(p, in.AvoidList, f.avoided, func(a snapshot.Avoid) *meshosv1.AvoidView { return avoidToProto(a, in.Now) }, &out.AvoidList)},
		{hostv1.SnapshotFilter_SECTION_UNRESOLVED, rows(p, in.Unresolved, func(n snapshot.Name) *meshosv1.NameView { return nameToProto(n, in.TakenAt) }, &out.Unresolved)},
		{hostv1.SnapshotFilter_SECTION_WAITING_FOR, func(from uint64) (uint64, bool) {
			for id := range in.Maintenance.Waiting.Chains.From(mesh.ChainID(from)) {
				if f.waitingChain(id) && !waiting(snapshot.ChainWaits(id)) {
					return uint64(id), true
				}
			}
			return 0, false
		}},
		{hostv1.SnapshotFilter_SECTION_WAITING_FOR, func(from uint64) (uint64, bool) {
			for i := from; i < uint64(len(in.Maintenance.Waiting.Daemons)); i++ {
				if d := in.Maintenance.Waiting.Daemons[i]; f.waitingDaemon(d) && !waiting(valid(snapshot.DaemonWaits(d))) {
					return i, true
				}
			}
			return 0, false
		}},
		{hostv1.SnapshotFilter_SECTION_IN_FLIGHT_MIGRATIONS, rows(p, in.Migrations, MigrationToProto, &out.InFlightMigrations)},
		{hostv1.SnapshotFilter_SECTION_RECENTLY_EMITTED, rows(p, in.Emitted, func(e mesh.Emitted) *meshosv1.EmittedAction { return emittedToProto(e, in.Now) }, &out.RecentlyEmitted)},
		{hostv1.SnapshotFilter_SECTION_RECENT_FAILURES, rows(p, in.Failures, func(r mesh.FailureRecord) *meshosv1.FailureRecord {
			return origin.Failure(r, r.Seq > in.Acknowledged.Failure)
		}, &out.RecentFailures)},
		{hostv1.SnapshotFilter_SECTION_ADMIN_AUDIT, rows(p, in.Audit, func(r mesh.AuditRecord) *meshosv1.AdminAuditRecord {
			return origin.Audit(r, r.Seq > in.Acknowledged.Audit)
		}, &out.AdminAudit)},
		{hostv1.SnapshotFilter_SECTION_LOGS, rows(p, in.Logs, func(r mesh.LogRecord) *meshosv1.LogRecord { return origin.Log(r, r.Seq > in.Acknowledged.Log) }, &out.Logs)},
		{hostv1.SnapshotFilter_SECTION_REPLICAS, table(p, in.Replicas, f.chain, func(r snapshot.Replica) *meshosv1.ReplicaView { return replicaToProto(r, in.Now) }, &out.Replicas)},
	}
}

// table fills a page with entries of a table, by id.
func table[K ~uint64, V any, M proto.Message](p *page, t shared.Table[K, V], keep func(*V) bool, convert func(V) M, to *[]M) func(uint64) (uint64, bool) {
	return func(from uint64) (uint64, bool) {
		for k, v := range t.From(K(from)) {
			if !keep(&v) {
				continue
			}
			m := convert(v)
			if !p.room(proto.Size(m)) {
				return uint64(k), true
			}
			*to = append(*to, m)
		}
		return 0, false
	}
}

// rows fills a page with entries of a short list, by index.
func rows[V any, M proto.Message](p *page, all []V, convert func(V) M, to *[]M) func(uint64) (uint64, bool) {
	return func(from uint64) (uint64, bool) {
		for i := from; i < uint64(len(all)); i++ {
			m := convert(all[i])
			if !p.room(proto.Size(m)) {
				return i, true
			}
			*to = append(*to, m)
		}
		return 0, false
	}
}

func counts(in *snapshot.Snapshot) *meshosv1.SnapshotCounts {
	return &meshosv1.SnapshotCounts{
		Daemons: uint64(in.Daemons.Len()), Replicas: uint64(in.Replicas.Len()), Peers: uint64(in.Peers.Len()),
		AvoidList: uint64(in.AvoidList.Len()), WaitingFor: uint64(in.Maintenance.Waiting.Len()),
		RecentlyEmitted: uint64(len(in.Emitted)), RecentFailures: uint64(len(in.Failures)), AdminAudit: uint64(len(in.Audit)),
		Logs: uint64(len(in.Logs)), InFlightMigrations: uint64(len(in.Migrations)), Plugins: uint64(len(in.Plugins)),
		Unresolved: uint64(len(in.Unresolved)),
	}
}
