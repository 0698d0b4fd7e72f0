package operator

import (
	"slices"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// maxIssued bounds how many simulations are remembered.
const maxIssued = 1024

// issued remembers which blast hash was issued for which event. It is not kept on disk:
// after a restart a command has to be simulated again.
type issued struct {
	list []simulated // oldest first
}

type simulated struct {
	hash  [rules.HashSize]byte
	event mesh.AdminEvent // a break-glass command; all of these are comparable
	at    time.Time
}

// remember adds a hash, or renews it if it was issued for the same event before. When
// there are too many, the oldest is forgotten.
func (i *issued) remember(hash [rules.HashSize]byte, ev mesh.AdminEvent, now time.Time) {
	i.list = slices.DeleteFunc(i.list, func(s simulated) bool { return s.hash == hash && s.event == ev })
	if len(i.list) >= maxIssued {
		i.list = slices.Delete(i.list, 0, len(i.list)-maxIssued+1)
	}
	i.list = append(i.list, simulated{hash, ev, now})
}

// check rejects a break-glass command unless it names a hash that was issued for the
// same event within window.
func (i *issued) check(c rules.Command, window time.Duration, now time.Time) *rules.Rejection {
	if !c.Event.BreakGlass() {
		return nil
	}
	other := ""
	for _, s := range i.list {
		if s.hash != [rules.HashSize]byte(c.BlastHash) || now.Sub(s.at) > window {
			continue
		}
		if s.event == c.Event {
			return nil
		}
		other = s.event.Kind()
	}
	if other != "" {
		return rules.Reject(rules.KindMismatch, "the signed hash belongs to the simulation of another command (%s); simulate this one and sign its hash", other)
	}
	return rules.Reject(rules.KindMismatch, "this node did not issue this simulation within the last %s, or was restarted since; simulate the command again and sign that hash", window)
}
