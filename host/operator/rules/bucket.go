package rules

import (
	"cmp"
	"strconv"

	"github.com/meshos/meshos/host/mesh"
)

// Bucket is what a cooldown applies to.
type Bucket struct {
	Node   mesh.NodeID // 0 for the cluster as a whole
	Freeze bool        // freezes wait for freezes only: what they are made for must not wait for them
}

// BucketOf returns which cooldown an event waits for and starts; has is false if it has
// none. A thaw has none: ending a freeze must never have to wait.
func BucketOf(ev mesh.AdminEvent) (b Bucket, has bool) {
	switch ev := ev.(type) {
	case mesh.FreezeCluster:
		return Bucket{Freeze: true}, true
	case mesh.ForceRestartDaemon, mesh.KillMigration, mesh.SetSigners:
		return Bucket{}, true
	case mesh.ExpelNode:
		return Bucket{Node: ev.Node}, true
	case mesh.FlushAvoidLists:
		return Bucket{Node: ev.Local + ev.OnPeer}, true // at most one is set; if none is, the flush is global
	case mesh.ForceEvictReplica:
		return Bucket{Node: ev.Victim}, true
	case mesh.ForceCutover:
		return Bucket{Node: ev.Target}, true
	}
	return Bucket{}, false
}

// String names the commands that wait for each other.
func (b Bucket) String() string {
	switch {
	case b.Freeze:
		return "freezes"
	case b.Node == 0:
		return "break-glass commands on the cluster as a whole"
	}
	return "break-glass commands on node " + strconv.FormatUint(uint64(b.Node), 10)
}

// CompareBuckets orders buckets by node.
func CompareBuckets(a, b Bucket) int {
	if c := cmp.Compare(a.Node, b.Node); c != 0 || a.Freeze == b.Freeze {
		return c
	}
	if b.Freeze {
		return -1
	}
	return 1
}
