package document

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Document is the newest snapshot of a node, as far as its messages have come.
type Document struct {
	head *meshosv1.Snapshot // what is not a list; nil before the first page
	at   time.Time          // taken_at of what is being taken
	next bool               // a page or a message of a delta follows

	daemons    entries[uint64, *meshosv1.DaemonView]
	replicas   entries[uint64, *meshosv1.ReplicaView]
	peers      entries[uint64, *meshosv1.PeerView]
	avoided    entries[uint64, *meshosv1.AvoidView]
	waiting    entries[waits, words]
	emitted    entries[uint64, *meshosv1.EmittedAction]
	failures   entries[uint64, *meshosv1.FailureRecord]
	audit      entries[uint64, *meshosv1.AdminAuditRecord]
	logs       entries[uint64, *meshosv1.LogRecord]
	migrations entries[uint64, *meshosv1.MigrationView]
	plugins    entries[string, *meshosv1.PluginView]
	unresolved entries[string, *meshosv1.NameView]
}

// words is a text as a list takes it.
type words = *meshosv1.NameView // of which only the name is used

// waits orders what maintenance waits for: chains before daemons, and each by id.
type waits struct {
	daemon bool
	id     uint64
	words  string
}

func waitsOf(text string) waits {
	kind, rest, _ := strings.Cut(text, " ")
	number, _, _ := strings.Cut(rest, " ")
	id, _ := strconv.ParseUint(number, 10, 64)
	return waits{daemon: kind != "chain", id: id, words: text}
}

func compareWaits(a, b waits) int {
	if a.daemon != b.daemon {
		if b.daemon {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.id, b.id), strings.Compare(a.words, b.words))
}

// Take takes the next message of a node: a whole snapshot, a page of one, or a delta. It
// reports whether the document is now complete, and newer than it was.
func (d *Document) Take(m *meshosv1.Snapshot) bool {
	if delta := m.GetDelta(); delta != nil {
		if d.head == nil {
			return false // not a stream that began with a whole snapshot
		}
		d.takeDelta(delta)
		return !delta.GetMore()
	}
	if !d.next || m.GetStats() != nil { // a first page, though a stream may have broken off before the last
		d.begin()
	}
	d.takePage(m)
	return !d.next
}

// begin begins with an empty document.
func (d *Document) begin() {
	*d = Document{
		daemons: byID(func(m *meshosv1.DaemonView) uint64 { return m.GetDaemon().GetId() }, growDaemon),
		replicas: byID((*meshosv1.ReplicaView).GetChain, func(m *meshosv1.ReplicaView, by time.Duration) bool {
			older(by, m.GetOrdered().GetAge(), m.GetLocalOrdered().GetAge())
			return true
		}),
		peers: byID((*meshosv1.PeerView).GetPeer, growPeer),
		avoided: byID((*meshosv1.AvoidView).GetPeer, func(m *meshosv1.AvoidView, by time.Duration) bool {
			less(by, m.GetTtl())
			return true
		}),
		waiting:    entries[waits, words]{compare: compareWaits, key: func(m words) waits { return waitsOf(m.GetName()) }},
		emitted:    byID((*meshosv1.EmittedAction).GetId, growEmitted),
		failures:   byID((*meshosv1.FailureRecord).GetSeq, nil),
		audit:      byID((*meshosv1.AdminAuditRecord).GetSeq, nil),
		logs:       byID((*meshosv1.LogRecord).GetSeq, nil),
		migrations: byID((*meshosv1.MigrationView).GetMigration, nil),
		plugins:    byName((*meshosv1.PluginView).GetName, nil),
		unresolved: byName((*meshosv1.NameView).GetName, func(m *meshosv1.NameView, by time.Duration) bool {
			older(by, m.GetSince())
			less(by, m.GetKept())
			return true
		}),
	}
}

func (d *Document) takePage(m *meshosv1.Snapshot) {
	d.at = m.GetTakenAt().AsTime()
	d.next = m.GetNextPage() != ""
	d.daemons.put(d.at, m.GetDaemons())
	d.replicas.put(d.at, m.GetReplicas())
	d.peers.put(d.at, m.GetPeers())
	d.avoided.put(d.at, m.GetAvoidList())
	d.waiting.put(d.at, asWords(m.GetLocalMaintenance().GetWaitingFor()))
	d.emitted.put(d.at, m.GetRecentlyEmitted())
	d.failures.put(d.at, m.GetRecentFailures())
	d.audit.put(d.at, m.GetAdminAudit())
	d.logs.put(d.at, m.GetLogs())
	d.migrations.put(d.at, m.GetInFlightMigrations())
	d.plugins.put(d.at, m.GetPlugins())
	d.unresolved.put(d.at, m.GetUnresolved())
	if d.head == nil {
		d.head = scalars(m)
	}
}

// scalars returns a snapshot without its lists. It may share with m.
func scalars(m *meshosv1.Snapshot) *meshosv1.Snapshot {
	out := &meshosv1.Snapshot{
		Node: m.GetNode(), Epoch: m.GetEpoch(), EpochHex: m.GetEpochHex(), Tick: m.GetTick(), TakenAt: m.GetTakenAt(),
		FreezeRemaining: m.GetFreezeRemaining(), Stats: m.GetStats(), Scheduler: m.GetScheduler(), CutOff: m.GetCutOff(), Info: m.GetInfo(),
	}
	if m.GetLocalMaintenance() != nil {
		out.LocalMaintenance = proto.CloneOf(m.GetLocalMaintenance())
		out.LocalMaintenance.WaitingFor = nil
	}
	return out
}

func (d *Document) takeDelta(m *meshosv1.SnapshotDelta) {
	if m.GetScalars() != nil {
		d.head = scalars(m.GetScalars())
		d.at = m.GetScalars().GetTakenAt().AsTime()
	}
	d.daemons.remove(m.GetRemovedDaemons())
	d.daemons.put(d.at, m.GetDaemons())
	d.replicas.remove(m.GetRemovedReplicas())
	d.replicas.put(d.at, m.GetReplicas())
	d.peers.remove(m.GetRemovedPeers())
	d.peers.put(d.at, m.GetPeers())
	d.avoided.remove(m.GetRemovedAvoided())
	d.avoided.put(d.at, m.GetAvoidList())
	gone := make([]waits, 0, len(m.GetRemovedWaitingFor()))
	for _, text := range m.GetRemovedWaitingFor() {
		gone = append(gone, waitsOf(text))
	}
	d.waiting.remove(gone)
	d.waiting.put(d.at, asWords(m.GetWaitingFor()))
	d.emitted.remove(m.GetRemovedEmitted())
	d.emitted.put(d.at, m.GetRecentlyEmitted())
	d.failures.remove(m.GetRemovedFailures())
	d.failures.put(d.at, m.GetRecentFailures())
	d.audit.remove(m.GetRemovedAudit())
	d.audit.put(d.at, m.GetAdminAudit())
	d.logs.remove(m.GetRemovedLogs())
	d.logs.put(d.at, m.GetLogs())
	d.migrations.remove(m.GetRemovedMigrations())
	d.migrations.put(d.at, m.GetInFlightMigrations())
	d.plugins.remove(m.GetRemovedPlugins())
	d.plugins.put(d.at, m.GetPlugins())
	d.unresolved.remove(m.GetRemovedUnresolved())
	d.unresolved.put(d.at, m.GetUnresolved())
}

func asWords(texts []string) (out []words) {
	for _, text := range texts {
		out = append(out, &meshosv1.NameView{Name: text})
	}
	return out
}

// Snapshot returns the document as one snapshot, with the ages of its taken_at; nil before
// anything came. Messages in it are shared with the document, which never changes them.
func (d *Document) Snapshot() *meshosv1.Snapshot {
	if d.head == nil {
		return nil
	}
	at := d.head.GetTakenAt().AsTime()
	out := scalars(d.head)
	out.Daemons, out.Replicas, out.Peers, out.AvoidList = d.daemons.all(at), d.replicas.all(at), d.peers.all(at), d.avoided.all(at)
	if waiting := d.waiting.all(at); len(waiting) > 0 {
		if out.LocalMaintenance == nil {
			out.LocalMaintenance = &meshosv1.MaintenanceView{}
		}
		for _, w := range waiting {
			out.LocalMaintenance.WaitingFor = append(out.LocalMaintenance.WaitingFor, w.GetName())
		}
	}
	for i, one := range out.Daemons {
		if one.GetAge() == nil { // it never ran, which a snapshot shows as 0
			out.Daemons[i] = proto.CloneOf(one)
			out.Daemons[i].Age = durationpb.New(0)
		}
	}
	out.RecentlyEmitted, out.RecentFailures = d.emitted.all(at), d.failures.all(at)
	out.AdminAudit, out.Logs = d.audit.all(at), d.logs.all(at)
	out.InFlightMigrations, out.Plugins, out.Unresolved = d.migrations.all(at), d.plugins.all(at), d.unresolved.all(at)
	return out
}
