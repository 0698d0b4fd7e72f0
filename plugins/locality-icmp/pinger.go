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

	"github.com/meshos/meshos/pluginsdk"
)

// settings define the rounds.
type settings struct {
	interval time.Duration
	timeout  time.Duration
	count    int
	size     int // bytes of the payload
}

// Pinger sends rounds of echoes to its targets and keeps the result of each target's last
// rounds. All methods may be called from any goroutine; Run only once.
type Pinger struct {
	set     settings
	links   [families]*link // nil: the family can't be used
	log     hclog.Logger
	id      uint16        // of the first rounds
	changed chan struct{} // has a token after SetTargets

	mu      sync.Mutex
	targets []target         // by family
	paths   map[path]string  // to the targets, with the configured address of each
	ways    map[uint64]*ways // by peer
	fresh   bool             // a target has not been in a round yet
	rounds  []*round         // whose replies still count, oldest first
	results map[path]*result
	refused map[path]string // why the kernel does not send to these
}

// newPinger makes a pinger over links, which the caller closes.
func newPinger(set settings, links [families]*link, log hclog.Logger) *Pinger {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Pinger{
		set: set, links: links, log: log,
		id:      binary.BigEndian.Uint16(id[:]),
		changed: make(chan struct{}, 1),
		ways:    make(map[uint64]*ways),
		results: make(map[path]*result),
		refused: make(map[path]string),
	}
}

// SetTargets replaces the targets; there must be a link for the family of each. Of several
// targets of a peer the first one is preferred. For new
// targets the next round is a quick one and starts as soon as possible. Results of peers
// that are gone, or that have another configured address now, are dropped at once.
func (p *Pinger) SetTargets(targets []target) {
	targets = slices.Clone(targets)
	paths, all := make(map[path]string, len(targets)), make(map[uint64]*ways, len(targets))
	for i := range targets {
		t := &targets[i]
		t.to = p.links[t.family()].destination(t.addr)
		paths[t.path()] = t.address
		if all[t.peer] == nil {
			all[t.peer] = &ways{}
		}
		all[t.peer].addrs = append(all[t.peer].addrs, t.addr)
	}
	// Targets of one family are sent together, in one system call.
	slices.SortStableFunc(targets, func(a, b target) int { return int(a.family()) - int(b.family()) })

	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range targets {
		p.fresh = p.fresh || !p.known(t)
	}
	for peer, w := range all {
		w.keep(p.ways[peer])
	}
	p.targets, p.paths, p.ways = targets, paths, all
	maps.DeleteFunc(p.results, func(of path, r *result) bool {
		return paths[of] == "" || r.round > 0 && !p.known(r.target)
	})
	maps.DeleteFunc(p.refused, func(of path, _ string) bool { return paths[of] == "" })
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// known reports whether t is still a target. The caller holds mu.
func (p *Pinger) known(t target) bool { return p.paths[t.path()] == t.address }

// sample returns what the last rounds measured for a peer with this configured address,
// and false if no round is settled for it yet.
func (p *Pinger) sample(peer uint64, address string) (pluginsdk.RTTSample, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, of := p.best(peer)
	if r == nil || r.target.address != address {
		return pluginsdk.RTTSample{}, false
	}
	return r.sample(p.set.timeout, p.refused[of], time.Now()), true
}

// Run sends rounds until ctx ends; then it returns nil. It returns an error if a socket is
// broken. When it returns, all its goroutines have ended.
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

// wakeReaders lets blocked reads return.
func (p *Pinger) wakeReaders() {
	for _, l := range p.links {
		if l != nil {
			_ = l.SetReadDeadline(time.Unix(1, 0))
		}
	}
}

// loop sends echoes that are due, settles targets that have timed out, and sleeps until the
// next of either.
func (p *Pinger) loop(ctx context.Context) {
	var (
		id      uint32
		current *round
		plan    schedule
		out     = newSender(p.set.size)
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
				// The rest of the current round is sent first, and fast: spread over a
				// long interval it would delay new targets.
				start = time.Now()
				plan = plan.hurried(start, sent(current))
			}
		}
	}
}

// sent returns how many echoes of a round were sent, and 0 for nil.
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
