package operator

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// bucket is what a cooldown applies to.
type bucket struct {
	node   mesh.NodeID // 0 for the cluster as a whole
	freeze bool        // freezes wait for freezes only: what they are made for must not wait for them
}

// bucketOf returns which cooldown an event waits for and starts; has is false if it has
// none. A thaw has none: ending a freeze must never have to wait.
func bucketOf(ev mesh.AdminEvent) (b bucket, has bool) {
	switch ev := ev.(type) {
	case mesh.FreezeCluster:
		return bucket{freeze: true}, true
	case mesh.ForceRestartDaemon, mesh.KillMigration:
		return bucket{}, true
	case mesh.FlushAvoidLists:
		return bucket{node: ev.Local + ev.OnPeer}, true // at most one is set; if none is, the flush is global
	case mesh.ForceEvictReplica:
		return bucket{node: ev.Victim}, true
	case mesh.ForceCutover:
		return bucket{node: ev.Target}, true
	}
	return bucket{}, false
}

// String names the commands that wait for each other.
func (b bucket) String() string {
	switch {
	case b.freeze:
		return "freezes"
	case b.node == 0:
		return "break-glass commands on the cluster as a whole"
	}
	return "break-glass commands on node " + strconv.FormatUint(uint64(b.node), 10)
}

func compareBuckets(a, b bucket) int {
	if c := cmp.Compare(a.node, b.node); c != 0 || a.freeze == b.freeze {
		return c
	}
	if b.freeze {
		return -1
	}
	return 1
}

// Cooldown is the time that a break-glass command has to wait because of an earlier one.
type Cooldown struct {
	Of    string // whose: "freezes", "break-glass commands on node 2" …
	Until time.Time
	Left  time.Duration
}

// String says who has to wait until when.
func (c Cooldown) String() string {
	return fmt.Sprintf("%s have to wait until %s, another %s", c.Of, stamp(c.Until), c.Left.Round(time.Millisecond))
}

// cooldown returns the cooldown for which an event has to wait; nil if there is none. One
// that ends right now is over.
func (m *memory) cooldown(ev mesh.AdminEvent, now time.Time) *Cooldown {
	b, has := bucketOf(ev)
	until := m.cooldowns[b]
	if !has || !until.After(now.Truncate(time.Millisecond)) {
		return nil
	}
	return &Cooldown{Of: b.String(), Until: until, Left: until.Sub(now)}
}

// checkCooldown rejects an event whose cooldown is still running.
func (m *memory) checkCooldown(ev mesh.AdminEvent, now time.Time) *Rejection {
	if c := m.cooldown(ev, now); c != nil {
		return reject(KindCooldown, "%s", c)
	}
	return nil
}

// Cooldown returns the cooldown for which a command would have to wait now; nil if there is
// none. A node without operators has none.
func (a *Authorizer) Cooldown(ev mesh.AdminEvent) *Cooldown {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.set == nil {
		return nil
	}
	now := a.opts.Now()
	a.prune(now)
	return a.memory.cooldown(ev, now)
}
