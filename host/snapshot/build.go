package snapshot

import (
	"slices"
	"time"

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
		Regular:      s.Ticks(),
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
	if c, cut := s.CutOff(); cut {
		snap.CutOff = &CutOff{Lost: c.Lost, Peers: c.Peers, Since: s.Now().Since(c.Since)}
	}
	return snap
}

// The lists of daemons, chains and peers are long, and made anew for every snapshot. So each
// is allocated once, and what its items point at too.

func daemons(s *state.State) []Daemon {
	n, _, _ := s.Sizes()
	if n == 0 {
		return nil
	}
	out := make([]Daemon, 0, n)
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
			Rejected:   d.Rejected,
			Ordered:    order(s, d.By),
			Outcome:    d.Outcome(),
			Mode:       d.Mode(),
			Waiting:    s.Waiting(d),
			Before:     d.Before(),
			Checked:    d.Checked,
			Reloadable: d.Reloadable(),
		}
		if d.Lifecycle != state.Running {
			v.StartError = s.StartError(d)
		}
		if at, closed := d.Gate.ReleaseAt(); closed {
			left := s.Now().Until(at)
			v.RestartIn = &left
		}
		if d.Lifecycle == state.Stopped {
			if at, waits := s.NextStart(d); waits {
				left := s.Now().Until(at)
				v.NextStart = &left
			}
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
	_, n, _ := s.Sizes()
	out, desired := make([]Replica, 0, n), make([]uint32, 0, n)
	ordered := s.ChainOrders()
	for c := range s.Chains() {
		if len(c.Holders) == 0 && !c.HasDesired {
			continue
		}
		v := Replica{Chain: c.ID, Holders: c.Holders, Leader: c.Leader, Hold: c.Hold}
		if c.HasDesired {
			desired = append(desired, c.Desired)
			v.Desired = &desired[len(desired)-1]
		}
		for len(ordered) > 0 && ordered[0].Chain < c.ID {
			ordered = ordered[1:]
		}
		if len(ordered) > 0 && ordered[0].Chain == c.ID {
			if count := ordered[0].Count; count != nil {
				v.Ordered = order(s, &count.By)
			}
			if held := ordered[0].Hold; held != nil {
				v.HoldOrdered = order(s, &held.By)
			}
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// measured is what a peer of a snapshot points at.
type measured struct {
	since, rtt, jitter time.Duration
	loss               float64
	echo               peerEcho
}

func peers(s *state.State) []Peer {
	_, _, n := s.Sizes()
	out, values := make([]Peer, 0, n), make([]measured, n)
	for p := range s.Peers() {
		if p.ID == s.Node() && p.Inventory == nil {
			continue
		}
		v := Peer{
			Node: p.ID, Name: p.Name, Health: p.Health, HealthReason: p.HealthReason, HealthFamily: p.HealthFamily,
			Maintenance: p.Phase, Cordoned: p.Cordoned, Inventory: aged(p, s.Now()),
		}
		m := &values[len(out)]
		if p.Health != mesh.HealthUnknown {
			m.since = s.Now().Since(p.HealthSince)
			v.HealthSince = &m.since
		}
		if p.HasRTT {
			m.rtt = p.RTT
			v.RTT = &m.rtt
		}
		v.RTTReason = p.Echoes.Reason
		v.Echo = echo(s, p, &m.echo)
		// Of a peer that answers no echoes at all, loss says nothing, nor does an old one if
		// nothing is sent any more.
		if loss, known := p.Echoes.Loss(); known && p.Echo != state.EchoSilent && !p.Echoes.NoAnswer.NothingSent() {
			m.loss = loss
			v.Loss = &m.loss
		}
		if p.Echoes.Received > 1 {
			m.jitter = p.Echoes.Jitter
			v.Jitter = &m.jitter
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// echo returns what locality probes found of a peer, in the memory of v; nil while none
// measures it.
func echo(s *state.State, p state.Peer, v *peerEcho) *Echo {
	if p.Echo == state.EchoUnknown && p.Echoes == (mesh.Echoes{}) {
		return nil
	}
	v.Echo = Echo{State: p.Echo, Echoes: p.Echoes}
	if p.Echo != state.EchoUnknown {
		v.since = s.Now().Since(p.EchoSince)
		v.Since = &v.since
	}
	return &v.Echo
}

// peerEcho is an Echo with the value that its pointer points to.
type peerEcho struct {
	Echo
	since time.Duration
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
