package metrics

import (
	"time"

	"github.com/meshos/meshos/host/snapshot"
)

// MeshState is how a node takes part in its mesh.
type MeshState struct {
	Used           bool // the node has a mesh plugin; without one all else means nothing
	Member         bool // the log says so
	LinkUp, Quorum bool
	Height         uint64        // of the log, as this node has folded it
	Highest        uint64        // of the log, as anybody says who was heard
	First, Begins  uint64        // heights of the first entries of this node's record, and of the log; 0: not known
	Checkpoint     uint64        // height of the last one; 0: there is none
	BeaconAge      time.Duration // since the seeds said where the log ends
	BeaconKnown    bool          // they have
	Alarms         int           // that `meshos mesh status` lists, with that of the engine
	Differing      int           // members whose state differs at the same height
	Frozen, Forked bool          // nothing of the log is folded any more; since it forked

	Orders, Asked, Served map[string]uint64 // by result
	Asking                int               // questions to other nodes that are under way
}

// meshMetrics is the metrics of the mesh; absent without one.
type meshMetrics struct {
	state func() MeshState

	member, link, quorum, height, behind, first, begins, checkpoint, beacon, alarms, differing, frozen, forked, orders, asked, asking, served family
}

func newMesh(src Source) *meshMetrics {
	return &meshMetrics{
		state:      src.Mesh,
		member:     gauge("mesh_member", "1: this node is a member of its mesh, 0: it is none yet, or no more."),
		link:       gauge("mesh_link_up", "1 while this node is linked with a seed."),
		quorum:     gauge("mesh_quorum", "1 while the log of the mesh takes entries, as far as this node knows."),
		height:     gauge("mesh_log_height", "Height of the log of the mesh, as this node has folded it."),
		behind:     gauge("mesh_log_behind", "How many entries the log has more than this node has folded, as far as seeds and other nodes say."),
		first:      gauge("mesh_record_first_height", "Height of the first entry that this node's record of the log of the mesh still has."),
		begins:     gauge("mesh_log_first_height", "Height of the first entry that the log on the seeds still has; absent before that is known."),
		checkpoint: gauge("mesh_checkpoint_height", "Height of the last checkpoint of the log; 0: there is none."),
		beacon:     gauge("mesh_beacon_age_seconds", "Since when the seeds have not said where the log ends; absent before they did."),
		alarms:     gauge("mesh_alarms", "How many alarms `meshos mesh status` lists: nodes that differ, the engine, the disk."),
		differing:  gauge("mesh_differing_members", "Members whose state differs from this node's at the same height of the log."),
		frozen:     gauge("mesh_log_frozen", "1 while this node folds nothing of the log any more."),
		forked:     gauge("mesh_log_forked", "1 while that is because the log of the others differs from its record."),
		orders:     counter("mesh_orders_total", "Orders that were given to this node for the log of the mesh: accepted, refused or unknown.", "result"),
		asked:      counter("mesh_asks_total", "Questions of this node to others that have ended: answered, failed, busy or canceled.", "result"),
		asking:     gauge("mesh_asks_in_progress", "Questions of this node to others that are under way."),
		served:     counter("mesh_served_total", "Questions of others to this node that have ended: answered, failed, refused or canceled.", "result"),
	}
}

func (m *meshMetrics) families() []family {
	return []family{m.member, m.link, m.quorum, m.height, m.behind, m.first, m.begins, m.checkpoint, m.beacon, m.alarms, m.differing, m.frozen, m.forked, m.orders, m.asked, m.asking, m.served}
}

func (m *meshMetrics) collect(out scrape, _ *snapshot.Snapshot) {
	s := m.state()
	if !s.Used {
		return
	}
	out.set(m.member, truth(s.Member))
	out.set(m.link, truth(s.LinkUp))
	out.set(m.quorum, truth(s.LinkUp && s.Quorum))
	out.set(m.height, float64(s.Height))
	out.set(m.behind, float64(max(s.Highest, s.Height)-s.Height))
	out.set(m.first, float64(s.First))
	out.set(m.checkpoint, float64(s.Checkpoint))
	if s.Begins > 0 {
		out.set(m.begins, float64(s.Begins))
	}
	if s.BeaconKnown {
		out.set(m.beacon, s.BeaconAge.Seconds())
	}
	out.set(m.alarms, float64(s.Alarms))
	out.set(m.differing, float64(s.Differing))
	out.set(m.frozen, truth(s.Frozen))
	out.set(m.forked, truth(s.Forked))
	for f, counts := range map[*family]map[string]uint64{&m.orders: s.Orders, &m.asked: s.Asked, &m.served: s.Served} {
		for result, n := range counts {
			out.set(*f, float64(n), result)
		}
	}
	out.set(m.asking, float64(s.Asking))
}
