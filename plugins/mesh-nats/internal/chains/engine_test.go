package chains

import (
	"slices"
	"testing"
	"time"
)

// engine plays JetStream for one stream: it does what was measured of it, with the faults that a
// test asks for.
type engine struct {
	now      time.Time
	exists   bool
	replicas int
	leader   string
	holders  []string
	desired  []string // nil: nothing is under way
	reverts  bool     // the engine remembers what was before
	origin   int      // replicas before
	tagged   map[string]time.Time
	dead     map[string]time.Time // since when
	lag      uint64               // of who is added
	asked    []Ask

	tagAfter  time.Duration
	lose      int  // answers to changes
	loseQuiet bool // and what is lost is not done either
	mute      bool // INFO is not answered
	stuck     bool // nobody catches up
	refuse    *Answer
	recordIn  time.Duration // until the leader knows of a change
	record    func()
	recordAt  time.Time
}

func newEngine(holders ...string) *engine {
	e := &engine{
		now: time.Unix(1000, 0), exists: len(holders) > 0, replicas: len(holders), holders: holders, lag: 10,
		tagged: map[string]time.Time{}, dead: map[string]time.Time{}, tagAfter: 300 * time.Millisecond,
	}
	if e.exists {
		e.leader = holders[0]
	}
	return e
}

func (e *engine) tag(servers ...string) *engine {
	for _, s := range servers {
		e.tagged[s] = e.now
	}
	return e
}

func (e *engine) kill(server string) { e.dead[server] = e.now }

func (e *engine) alive(server string) bool { return e.dead[server].IsZero() }

// consenting returns who bears the tag and does not hold the stream.
func (e *engine) consenting() (out []string) {
	for s, at := range e.tagged {
		if e.now.Sub(at) >= e.tagAfter && !slices.Contains(e.holders, s) && e.alive(s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// advance lets time pass.
func (e *engine) advance(to time.Time) {
	for e.now.Before(to) {
		e.now = e.now.Add(min(to.Sub(e.now), 50*time.Millisecond))
		if e.record != nil && !e.now.Before(e.recordAt) {
			e.record()
			e.record = nil
		}
		if e.desired == nil {
			continue
		}
		var added string
		for _, s := range e.desired {
			if !slices.Contains(e.holders, s) {
				added = s
			}
		}
		switch {
		case added != "" && !e.alive(added): // added dead after 3 s
			if e.now.Sub(e.dead[added]) > 3*time.Second {
				e.done()
			}
		case added != "" && !e.stuck && e.lag > 0:
			e.lag--
		case added != "" && e.stuck:
		default:
			e.done()
		}
	}
}

func (e *engine) done() {
	e.holders, e.desired, e.lag = e.desired, nil, 10
	if !slices.Contains(e.holders, e.leader) {
		e.leader = e.holders[0]
	}
}

// want records a change, as the leader sees it.
func (e *engine) want(desired []string, replicas int) {
	e.origin = e.replicas
	reverts := replicas != e.replicas
	do := func() { e.desired, e.replicas, e.reverts = desired, replicas, reverts }
	if e.recordIn > 0 {
		e.record, e.recordAt = do, e.now.Add(e.recordIn)
		return
	}
	do()
}

func (e *engine) info() (Info, bool) {
	if e.mute || !e.alive(e.leader) {
		return Info{}, false
	}
	i := Info{Leader: e.leader, Replicas: e.replicas, Changing: e.desired != nil, Desired: slices.Clone(e.desired), Revertible: e.desired != nil && e.reverts}
	for _, s := range e.holders {
		p := Peer{Name: s, Current: e.alive(s)}
		if !e.alive(s) {
			p.Active = e.now.Sub(e.dead[s])
			p.Offline = p.Active > 9*time.Second
		}
		i.Peers = append(i.Peers, p)
	}
	for _, s := range e.desired {
		if !slices.Contains(e.holders, s) {
			p := Peer{Name: s, Pending: true, Lag: e.lag}
			if !e.alive(s) {
				p.Active = e.now.Sub(e.dead[s])
			}
			i.Peers = append(i.Peers, p)
		}
	}
	return i, true
}

// do carries a request out.
func (e *engine) do(m *Move, ask Ask) Answer {
	e.asked = append(e.asked, ask)
	if e.lose > 0 {
		e.lose--
		if !e.loseQuiet {
			e.carryOut(m, ask)
		}
		return Answer{Lost: true}
	}
	if e.refuse != nil {
		return *e.refuse
	}
	return e.carryOut(m, ask)
}

func (e *engine) carryOut(m *Move, ask Ask) Answer {
	without := func(s string) []string {
		return slices.DeleteFunc(slices.Clone(e.holders), func(h string) bool { return h == s })
	}
	ready := e.consenting()
	switch ask {
	case AskCreate:
		if len(ready) < m.Replicas {
			return Answer{Code: CodeNoPeers, Text: "no suitable peers for placement"}
		}
		e.exists, e.replicas, e.holders, e.leader = true, m.Replicas, ready, ready[0]
	case AskReplicas:
		switch {
		case m.Replicas > e.replicas && len(ready) == 0:
			return Answer{Code: CodeNoPeers, Text: "no suitable peers for placement"}
		case m.Replicas > e.replicas:
			e.want(append(slices.Clone(e.holders), ready[0]), m.Replicas)
		case m.Replicas < e.replicas:
			e.want(e.holders[:m.Replicas], m.Replicas)
		}
	case AskBack:
		at := e.tagged[m.Victim]
		switch {
		case !slices.Contains(e.desired, m.Targets[0]):
			return Answer{Code: 10040, Text: "peer not a member"}
		case at.IsZero() || e.now.Sub(at) < e.tagAfter || !e.alive(m.Victim):
			return Answer{Code: CodeNoRemap, Text: "peer remap failed"}
		}
		e.desired = nil
	case AskEvacuate, AskRemove:
		switch {
		case slices.Contains(e.desired, m.Victim) || e.desired == nil && slices.Contains(e.holders, m.Victim):
			if len(ready) == 0 {
				return Answer{Code: CodeNoRemap, Text: "peer remap failed"}
			}
			e.want(append(without(m.Victim), ready[0]), e.replicas)
			if ask == AskRemove {
				e.leader, e.holders = without(m.Victim)[0], without(m.Victim)
			}
		case e.desired == nil:
			return Answer{Code: 10040, Text: "peer not a member"}
		}
	case AskStepDown:
		if e.alive(m.Targets[0]) {
			e.leader = m.Targets[0]
		}
	case AskCancel:
		if e.desired == nil || !e.reverts {
			return Answer{Code: CodeNothing, Text: "stream reconfiguration not in progress"}
		}
		e.desired, e.replicas = nil, e.origin
	}
	return Answer{}
}

// run makes a change to its end. At each step the test may do something.
func (e *engine) run(t testing.TB, m *Move, each func(Step)) {
	t.Helper()
	for began := e.now; ; {
		s := m.Next()
		if s.End {
			return
		}
		if s.At.After(e.now) {
			e.advance(s.At)
		}
		if each != nil {
			each(s)
		}
		switch i, answered := e.info(); {
		case s.Ask != AskInfo:
			a := e.do(m, s.Ask)
			if a.Lost {
				e.advance(e.now.Add(2 * time.Second))
			}
			m.Answered(e.now, a)
		case !e.exists:
			m.Missing(e.now)
		case answered:
			m.Heard(e.now, i)
		default:
			e.advance(e.now.Add(2 * time.Second))
			m.Silent(e.now)
		}
		if e.now.Sub(began) > 10*time.Minute {
			t.Fatalf("%s does not end; it asked %v", m.Change, e.asked)
		}
	}
}

func (e *engine) count(ask Ask) (n int) {
	for _, a := range e.asked {
		if a == ask {
			n++
		}
	}
	return n
}
