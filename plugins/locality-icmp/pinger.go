package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// idRounds is how many rounds share an ICMP id. A firewall that has learned to
// drop an id loses it again; a new id every round would instead fill connection
// tables with an entry per target and round.
const idRounds = 300

// settings say how rounds are made.
type settings struct {
	interval time.Duration
	timeout  time.Duration
	count    int
}

// Pinger sends rounds of echoes to its targets and keeps what each target's last
// round said. All methods may be called from any goroutine; Run only once.
type Pinger struct {
	set     settings
	links   [families]*link // nil: the family can't be used
	log     hclog.Logger
	cookie  uint64
	changed chan struct{} // holds a token after SetTargets

	mu      sync.Mutex
	targets []target          // by family
	address map[uint64]string // by peer, of the targets
	fresh   bool              // a target has not been in any round yet
	rounds  []*round          // whose replies still count, oldest first
	results map[uint64]result // by peer
	refused map[uint64]string // peers whose echoes the kernel does not send, and why
}

// result is what the last round with a verdict said about a peer.
type result struct {
	round uint32
	outcome
}

// newPinger makes a pinger over links, which stay the caller's to close.
func newPinger(set settings, links [families]*link, log hclog.Logger) *Pinger {
	var cookie [8]byte
	_, _ = rand.Read(cookie[:]) // never fails
	return &Pinger{
		set: set, links: links, log: log,
		cookie:  binary.BigEndian.Uint64(cookie[:]),
		changed: make(chan struct{}, 1),
		results: make(map[uint64]result),
		refused: make(map[uint64]string),
	}
}

// SetTargets replaces the targets; every one must be of a family that has a link.
// New ones make the next round a quick one that starts as soon as it can. Results of peers that are gone, or whose configured
// address is another now, are forgotten at once.
func (p *Pinger) SetTargets(targets []target) {
	targets = slices.Clone(targets)
	address := make(map[uint64]string, len(targets))
	for i := range targets {
		t := &targets[i]
		t.to = p.links[t.family()].destination(t.addr)
		address[t.peer] = t.address
	}
	// Neighbours of one family go out in one system call.
	slices.SortStableFunc(targets, func(a, b target) int { return int(a.family()) - int(b.family()) })

	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range targets {
		p.fresh = p.fresh || !p.known(t)
	}
	p.targets, p.address = targets, address
	maps.DeleteFunc(p.results, func(peer uint64, r result) bool { return !p.known(r.target) })
	maps.DeleteFunc(p.refused, func(peer uint64, _ string) bool { return address[peer] == "" })
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// known reports whether a target is still wanted. The caller holds mu.
func (p *Pinger) known(t target) bool { return p.address[t.peer] == t.address }

// RTT returns what the last round measured for a peer under its configured
// address; false: the peer did not answer, or there is no verdict yet.
func (p *Pinger) RTT(peer uint64, address string) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.results[peer]
	if !ok || r.answered == 0 || r.target.address != address {
		return 0, false
	}
	return r.rtt, true
}

// Run sends rounds until ctx ends. It returns nil then, and an error if a socket
// broke. Every goroutine it starts has ended when it returns.
func (p *Pinger) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var readers sync.WaitGroup
	broken := make(chan error, len(p.links))
	for _, l := range p.links {
		if l == nil {
			continue
		}
		readers.Go(func() {
			if err := p.receive(ctx, l); err != nil {
				broken <- err
				cancel()
			}
		})
	}
	p.loop(ctx)
	p.wakeReaders()
	readers.Wait()
	select {
	case err := <-broken:
		return err
	default:
		return nil
	}
}

// wakeReaders makes blocked reads return.
func (p *Pinger) wakeReaders() {
	for _, l := range p.links {
		if l != nil {
			_ = l.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// loop sends what is due, settles what has timed out, and sleeps until there is
// more of either.
func (p *Pinger) loop(ctx context.Context) {
	var (
		id      uint32
		current *round
		plan    schedule
		out     = newSender()
		late    stall
		start   = time.Now() // of the next round
		timer   = time.NewTimer(0)
	)
	defer timer.Stop()
	for {
		now := time.Now()
		held := late.woke(now)
		if (current == nil || current.allSent()) && !now.Before(start) {
			var pace pace
			if current, pace = p.begin(id + 1); current != nil {
				id++
				plan = pace(now, len(current.targets), current.count, p.set.interval)
				start = now.Add(p.set.interval)
			}
		}
		if current != nil && !current.allSent() {
			p.sendDue(out, current, plan.due(now))
		}
		wake, ok := p.nextWake(current, plan, start, held)
		timer.Stop()
		if ok {
			sleep := max(time.Until(wake), tick)
			late.sleep(time.Now().Add(sleep))
			timer.Reset(sleep)
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.changed:
			if current == nil || p.hasFresh() {
				// What the present round has left to send goes first, and fast:
				// spread over a long interval it would keep new targets waiting.
				start = time.Now()
				plan = plan.hurried(start, sent(current))
			}
		}
	}
}

// sent returns how many echoes of a round were sent; of none, 0.
func sent(r *round) int {
	if r == nil {
		return 0
	}
	return r.next
}

// hasFresh reports whether a target waits for its first round.
func (p *Pinger) hasFresh() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fresh
}

// begin makes the next round over the present targets and says how to pace it;
// nil if there are no targets.
func (p *Pinger) begin(id uint32) (*round, pace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.targets) == 0 {
		return nil, nil
	}
	how := spread
	if p.fresh {
		how = quick
	}
	p.fresh = false
	nonces := make([]byte, 8*len(p.targets)*p.set.count)
	_, _ = rand.Read(nonces) // never fails
	r := newRound(id, p.targets, p.set.count, p.set.timeout, nonces)
	p.rounds = append(p.rounds, r)
	return r, how
}

// nextWake settles what has timed out, but nothing before held, and returns when
// to look again; false: only a change of the targets can bring work.
func (p *Pinger) nextWake(current *round, plan schedule, start, held time.Time) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var wake time.Time
	earliest := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	open := p.rounds[:0]
	for _, r := range p.rounds {
		if !now.Before(held) {
			for _, o := range r.expire(now, nil) {
				p.publish(r.id, o)
			}
		}
		if r.done() {
			continue
		}
		open = append(open, r)
		if t, ok := r.nextExpiry(); ok {
			if t.Before(held) {
				t = held
			}
			earliest(t)
		}
	}
	clear(p.rounds[len(open):])
	p.rounds = open
	if current != nil {
		if current.allSent() {
			earliest(start)
		} else {
			earliest(plan.wake(current.next))
		}
	}
	return wake, !wake.IsZero()
}

// publish keeps an outcome unless a later round has spoken, or the target is gone.
// The caller holds mu.
func (p *Pinger) publish(id uint32, o outcome) {
	if !p.known(o.target) {
		return
	}
	if old, ok := p.results[o.target.peer]; ok && old.round > id {
		return
	}
	p.results[o.target.peer] = result{round: id, outcome: o}
}
