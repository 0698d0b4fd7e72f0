package operator

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// Cooldown is the time that a break-glass command has to wait because of an earlier one.
type Cooldown struct {
	Of    string // whose: "freezes", "break-glass commands on node 2" …
	Until time.Time
	Left  time.Duration
}

// String says who has to wait until when.
func (c Cooldown) String() string {
	return fmt.Sprintf("%s have to wait until %s, another %s", c.Of, rules.Stamp(c.Until), c.Left.Round(time.Millisecond))
}

// cooldown returns the cooldown for which an event has to wait; nil if there is none. One
// that ends right now is over.
func (m *memory) cooldown(ev mesh.AdminEvent, now time.Time) *Cooldown {
	b, has := rules.BucketOf(ev)
	until := m.cooldowns[b]
	if !has || !until.After(now.Truncate(time.Millisecond)) {
		return nil
	}
	return &Cooldown{Of: b.String(), Until: until, Left: until.Sub(now)}
}

// checkCooldown rejects an event whose cooldown is still running.
func (m *memory) checkCooldown(ev mesh.AdminEvent, now time.Time) *rules.Rejection {
	if c := m.cooldown(ev, now); c != nil {
		return rules.Reject(rules.KindCooldown, "%s", c)
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
