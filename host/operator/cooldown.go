package operator

import (
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// bucket is what a cooldown is on: a node, or 0 for the cluster as a whole.
type bucket = mesh.NodeID

const clusterWide bucket = 0

// bucketOf says which cooldown an event asks and arms. A thaw has none: ending a
// freeze must never have to wait.
func bucketOf(ev mesh.AdminEvent) (b bucket, has bool) {
	switch ev := ev.(type) {
	case mesh.FreezeCluster, mesh.ForceRestartDaemon, mesh.KillMigration:
		return clusterWide, true
	case mesh.FlushAvoidLists:
		return ev.Local + ev.OnPeer, true // one of them, or none: then it is global
	case mesh.ForceEvictReplica:
		return ev.Victim, true
	case mesh.ForceCutover:
		return ev.Target, true
	}
	return 0, false
}

// checkCooldown says whether an event has to wait. One that ends now is over.
func (m *Memory) checkCooldown(ev mesh.AdminEvent, now time.Time) *Rejection {
	b, has := bucketOf(ev)
	until := m.cooldowns[b]
	if !has || !until.After(now.Truncate(time.Millisecond)) {
		return nil
	}
	what := "commands on the cluster as a whole"
	if b != clusterWide {
		what = "commands on node " + strconv.FormatUint(uint64(b), 10)
	}
	return reject(KindCooldown, "break-glass %s cool down until %s, for another %s",
		what, stamp(until), until.Sub(now).Round(time.Millisecond))
}
