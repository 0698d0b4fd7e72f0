package snapshot

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Build returns the view of a node at the given time. It copies everything from the state
// that may change later.
func Build(s *state.State, at mesh.Stamp) *Snapshot {
	acked := s.Acknowledged()
	snap := &Snapshot{
		Node:         s.Node(),
		Epoch:        s.Epoch(),
		Tick:         s.Passes(),
		TakenAt:      at.Wall,
		Daemons:      daemons(s),
		Replicas:     replicas(s),
		Peers:        peers(s),
		AvoidList:    avoided(s),
		Maintenance:  maintenance(s),
		Emitted:      emitted(s),
		Migrations:   s.Migrations(),
		Audit:        s.Audit(),
		Logs:         s.Logs(),
		Failures:     s.Failures(),
		Actions:      s.Actions(),
		Acknowledged: AcknowledgedThrough(acked),
		Moving:       s.Moving(),
		Orders:       s.Orders(),
		Now:          at.At,
	}
	if left, frozen := s.Frozen(); frozen {
		snap.FreezeRemaining = &left
	}
	return snap
}

func daemons(s *state.State) []Daemon {
	var out []Daemon
	for d := range s.Daemons() {
		v := Daemon{
			Daemon:     d.Ref,
			Lifecycle:  d.Lifecycle,
			Health:     d.Health,
			Saturation: d.Saturation,
			Restart:    d.Gate.State(),
			Placement:  s.Node(),
			Age:        d.Age(s.Now()),
			Intent:     d.Intent,
			PID:        d.PID,
			Restarts:   d.Restarts(),
			Crashes:    d.Crashes,
			LastEnd:    d.LastEnd,
			Outdated:   d.Outdated(),
			StartError: s.StartError(d),
			Rejected:   d.Rejected,
			Ordered:    order(s, d.By),
		}
		if at, closed := d.Gate.ReleaseAt(); closed {
			left := s.Now().Until(at)
			v.RestartIn = &left
		}
		if at, waits := s.NextStart(d); waits {
			left := s.Now().Until(at)
			v.NextStart = &left
		}
		out = append(out, v)
	}
	return out
}

// order returns an order of the ordered log.
func order(s *state.State, by *state.Origin) *Order {
	if by == nil || by.Height == 0 {
		return nil
	}
	return &Order{Height: by.Height, Age: s.Now().Since(by.At), Operators: by.Operators}
}

// replicas returns the chains that a node holds and those with a desired number of
// replicas, even if none exists yet.
func replicas(s *state.State) []Replica {
	var out []Replica
	for c := range s.Chains() {
		if len(c.Holders) == 0 && !c.HasDesired {
			continue
		}
		v := Replica{Chain: c.ID, Holders: c.Holders, Leader: c.Leader, Ordered: order(s, c.By), Hold: c.Hold, HoldOrdered: order(s, c.HoldBy)}
		if c.HasDesired {
			desired := c.Desired
			v.Desired = &desired
		}
		out = append(out, v)
	}
	return out
}

func peers(s *state.State) []Peer {
	var out []Peer
	for p := range s.Peers() {
		if p.ID == s.Node() && p.Inventory == nil {
			continue
		}
		v := Peer{
			Node: p.ID, Name: p.Name, Health: p.Health, HealthReason: p.HealthReason,
			Maintenance: p.Phase, Cordoned: p.Cordoned, Inventory: p.Inventory,
		}
		if p.Health != mesh.HealthUnknown {
			since := s.Now().Since(p.HealthSince)
			v.HealthSince = &since
		}
		if p.HasRTT {
			rtt := p.RTT
			v.RTT = &rtt
		} else {
			v.RTTReason = p.Echoes.Reason
		}
		if loss, known := p.Echoes.Loss(); known {
			v.Loss = &loss
		}
		if p.Echoes.Received > 1 {
			jitter := p.Echoes.Jitter
			v.Jitter = &jitter
		}
		out = append(out, v)
	}
	return out
}

func avoided(s *state.State) []Avoid {
	var out []Avoid
	for id, a := range s.AvoidList() {
		out = append(out, Avoid{Peer: id, Reason: a.Reason, TTL: s.Now().Until(a.Until)})
	}
	return out
}

func maintenance(s *state.State) Maintenance {
	m := s.Maintenance()
	v := Maintenance{
		Phase: m.Phase, Reason: m.Reason, Cordoned: m.Cordoned, Draining: m.Draining,
		WaitingFor: s.WaitingFor(),
	}
	v.Ordered = order(s, &m.By)
	if m.HasSince {
		since := s.Now().Since(m.Since)
		v.Since = &since
	}
	if m.HasDeadline {
		left := s.Now().Until(m.Deadline)
		v.Deadline = &left
	}
	return v
}

func emitted(s *state.State) []Emitted {
	list := s.Emitted()
	out := slices.Grow([]Emitted(nil), len(list))
	for _, e := range list {
		out = append(out, Emitted{ID: e.ID, Action: e.Action, Age: s.Now().Since(e.At), Now: s.Now()})
	}
	return out
}
