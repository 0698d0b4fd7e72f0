package operator

import (
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// bucket is what a cooldown applies to: a node, or 0 for the cluster as a whole.
type bucket = mesh.NodeID

const clusterWide bucket = 0

// bucketOf returns which cooldown an event waits for and starts; has is false if it has
// none. A thaw has none: ending a freeze must never have to wait.
func bucketOf(ev mesh.AdminEvent) (b bucket, has bool) {
	switch ev := ev.(type) {
	case mesh.FreezeCluster, mesh.ForceRestartDaemon, mesh.KillMigration:
		return clusterWide, true
	case mesh.FlushAvoidLists:
		return ev.Local + ev.OnPeer, true // at most one is set; if none is, the flush is global
	case mesh.ForceEvictReplica:
		return ev.Victim, true
	case mesh.ForceCutover:
		return ev.Target, true
	}
	return 0, false
}

// checkCooldown rejects an event whose cooldown is still running. A cooldown that ends
// right now is over.
func (m *memory) checkCooldown(ev mesh.AdminEvent, now time.Time) *Rejection {
	b, has := bucketOf(ev)
	until := m.cooldowns[b]
	if !has || !until.After(now.Truncate(time.Millisecond)) {
		return nil
	}
	what := "commands on the cluster as a whole"
	if b != clusterWide {
		what = "commands on node " + strconv.FormatUint(uint64(b), 10)
	}
	return reject(KindCooldown, "break-glass %s have to wait until %s, another %s",
		what, stamp(until), until.Sub(now).Round(time.Millisecond))
}
