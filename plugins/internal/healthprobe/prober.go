package healthprobe

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"

	"github.com/meshos/meshos/plugins/internal/families"
	"github.com/meshos/meshos/pluginsdk"
)

const (
	// firstGap is the time between the first attempts at new targets. That is hardly a burst,
	// since no more attempts are made at the same time than configured.
	firstGap = 20 * time.Microsecond
	// quickRetry is how soon a target without a verdict is tried again.
	quickRetry = 50 * time.Millisecond
)

// Settings define how targets are probed.
type Settings struct {
	Policy
	Interval    time.Duration
	Timeout     time.Duration
	Concurrency int
	Schemes     []string // of the targets that are checked; others count as none
}

// target is the health target of one peer, and what is known of it.
type target struct {
	peer    uint64
	name    string
	address string

	verdict verdict
	why     cause        // of the last failure, "" after a success
	reason  string       // why the verdict is not healthy, in words
	tries   int          // attempts so far, at most as many as settle a verdict
	last    string       // remote address of the last success
	host    string       // in address
	ips     []netip.Addr // of host, as the host of the plugin has them
	choice  families.Choice
	family  pluginsdk.Family // of the last connection
	phase   time.Duration    // when in the interval its regular attempts start
	settled bool             // the regular attempts have begun
	gone    bool             // no longer a target
	due     time.Time
	place   int // in the queue
}

// Prober attempts every target once an interval and updates its verdict. All methods
// may be called from any goroutine; Run only once.
type Prober struct {
	set  Settings
	try  AttemptFunc
	log  hclog.Logger
	wake chan struct{} // has a token when the queue may have an earlier target

	mu      sync.Mutex
	targets map[uint64]*target
	queue   queue
	behind  bool // attempts start too late
}

// New returns a prober that attempts a target with try.
func New(set Settings, try AttemptFunc, log hclog.Logger) *Prober {
	return &Prober{
		set: set, try: try, log: log,
		wake:    make(chan struct{}, 1),
		targets: make(map[uint64]*target),
	}
}

// SetPeers replaces the peers. What is known of a peer is kept as long as its health
// address is the same.
func (p *Prober) SetPeers(peers []pluginsdk.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	old := p.targets
	p.targets = make(map[uint64]*target, len(peers))
	var fresh []*target
	for _, peer := range peers {
		if !p.checks(peer) {
			continue
		}
		host := hostOf(peer.HealthTarget)
		known, lookedUp := peer.Addresses.Of(host)
		if lookedUp && len(known.IPs) == 0 {
			continue // it can't be measured now, which says nothing about it
		}
		if t := old[peer.ID]; t != nil && t.address == peer.HealthTarget {
			t.name = peer.Name
			t.reachedBy(known.IPs, now)
			p.targets[peer.ID] = t
			continue
		}
		t := &target{peer: peer.ID, name: peer.Name, address: peer.HealthTarget, host: host, place: waiting}
		t.reachedBy(known.IPs, now)
		p.targets[peer.ID] = t
		fresh = append(fresh, t)
	}
	for id, t := range old {
		if p.targets[id] != t {
			t.gone = true
			p.queue.drop(t)
		}
	}
	for i, t := range fresh {
		t.phase = p.set.Interval * time.Duration(i+1) / time.Duration(len(fresh))
		p.queue.add(t, now.Add(min(firstGap*time.Duration(i), t.phase)))
	}
	p.signal()
}

// reachedBy sets the addresses of the target's host name.
func (t *target) reachedBy(ips []netip.Addr, now time.Time) {
	if !slices.Equal(ips, t.ips) {
		t.ips = ips
		t.choice.Set(families.Candidates(ips), now)
	}
}

// checks reports whether a peer has a target that this prober is for.
func (p *Prober) checks(peer pluginsdk.Peer) bool {
	return slices.Contains(p.set.Schemes, peer.HealthScheme())
}

// unmeasurable reports whether the host has no address of a peer, and will not have one soon.
func unmeasurable(peer pluginsdk.Peer) bool {
	known, lookedUp := peer.Addresses.Of(hostOf(peer.HealthTarget))
	return lookedUp && len(known.IPs) == 0 && known.Lookup != pluginsdk.LookupPending
}

// hostOf returns the host name or address in a health target.
func hostOf(target string) string {
	if strings.Contains(target, "://") {
		if u, err := url.Parse(target); err == nil {
			return u.Hostname()
		}
		return ""
	}
	host, _, _ := net.SplitHostPort(target)
	return host
}

// Health returns the verdicts on peers. Complete reports whether each peer with a health
// address has a verdict, or has had as many attempts as settle one: some never get one,
// for a reason of this machine.
func (p *Prober) Health(peers []pluginsdk.Peer) (samples []pluginsdk.HealthSample, complete bool) {
	samples, complete = make([]pluginsdk.HealthSample, 0, len(peers)), true
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, peer := range peers {
		if !p.checks(peer) {
			continue
		}
		t := p.targets[peer.ID]
		switch {
		case t == nil || t.address != peer.HealthTarget:
			complete = complete && unmeasurable(peer)
		case t.verdict.health != unknown:
			samples = append(samples, pluginsdk.HealthSample{Peer: peer.ID, Health: t.verdict.health, Reason: t.reason, Family: t.family})
		case t.tries < p.set.Policy.Failures:
			complete = false
		}
	}
	return samples, complete
}

// Run makes the attempts that are due until ctx ends. When it returns, no attempt is
// running any more.
func (p *Prober) Run(ctx context.Context) error {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	slots := semaphore.NewWeighted(int64(p.set.Concurrency))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// First a free slot: a target leaves the queue only when its attempt can start.
		if slots.Acquire(ctx, 1) != nil {
			return nil
		}
		t, ok := p.next(ctx, timer)
		if !ok {
			return nil
		}
		attempts.Go(func() {
			defer slots.Release(1)
			for ; t != nil; t = p.alsoDue() { // as long as there is something to do, without a new goroutine
				p.attempt(ctx, t)
			}
		})
	}
}

// next waits for the next target that is due. It returns false when ctx has ended.
func (p *Prober) next(ctx context.Context, timer *time.Timer) (*target, bool) {
	for {
		now := time.Now()
		p.mu.Lock()
		t, due := p.queue.next(now)
		if t != nil {
			p.noteLag(now.Sub(t.due))
		}
		p.mu.Unlock()
		if t != nil {
			return t, true
		}
		timer.Stop()
		if !due.IsZero() {
			// A sleep of less than a millisecond costs more than it saves.
			timer.Reset(max(due.Sub(now), time.Millisecond))
		}
		select {
		case <-ctx.Done():
			return nil, false
		case <-p.wake:
		case <-timer.C:
		}
	}
}

// alsoDue returns another target that is due, nil if there is none.
func (p *Prober) alsoDue() *target {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	t, _ := p.queue.next(now)
	if t != nil {
		p.noteLag(now.Sub(t.due))
	}
	return t
}

// noteLag logs once that attempts start late, and once that they no longer do. The caller
// holds mu.
func (p *Prober) noteLag(late time.Duration) {
	switch {
	case !p.behind && late > p.set.Interval:
		p.behind = true
		p.log.Warn("attempts start later than one interval; raise concurrency or interval, or lower timeout",
			"late", late.Round(time.Millisecond), "targets", len(p.targets), "concurrency", p.set.Concurrency)
	case p.behind && late < p.set.Interval/10:
		p.behind = false
		p.log.Info("attempts start in time again")
	}
}

// attempt attempts t once, updates its verdict and queues it again.
func (p *Prober) attempt(ctx context.Context, t *target) {
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, p.set.Timeout)
	defer cancel()
	p.mu.Lock()
	via := Route{Addresses: t.choice.Order(), Last: t.last}
	p.mu.Unlock()
	a := p.try(limited, t.address, via)
	again := p.settle(t, a)
	if again.IsValid() && ctx.Err() == nil {
		p.retry(ctx, t, again)
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if t.gone || ctx.Err() != nil {
		return
	}
	t.tries = min(t.tries+1, p.set.Policy.Failures)
	p.judge(t, a)
	p.queue.add(t, p.after(t, began))
	if p.queue[0] == t {
		p.signal()
	}
}

// settle notes at which address an attempt was made, and returns a preferred one that is to be
// tried again now, if there is one.
func (p *Prober) settle(t *target, a Attempt) netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if remote, err := netip.ParseAddrPort(a.Remote); err == nil {
		ip := remote.Addr().Unmap()
		t.family = pluginsdk.FamilyOf(ip)
		before := t.choice.Used()
		if a.Err == nil {
			t.choice.Worked(ip)
		} else {
			t.choice.Failed(ip, now)
		}
		if used := t.choice.Used(); used != before && before.IsValid() {
			p.log.Debug("another address of the peer is used", "peer", t.peer, "name", t.name, "address", used, "before", before)
		}
	}
	ip, _ := t.choice.Preferred(now)
	return ip
}

// retry tries a preferred address again beside the one in use. It changes no verdict.
func (p *Prober) retry(ctx context.Context, t *target, ip netip.Addr) {
	ctx, cancel := context.WithTimeout(ctx, p.set.Timeout)
	defer cancel()
	if a := p.try(ctx, t.address, Route{Addresses: []netip.Addr{ip}}); a.Err == nil && a.Doubt == "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		t.choice.Worked(ip)
	}
}

// after returns when t is due next, after an attempt that began at began. The caller holds
// mu.
func (p *Prober) after(t *target, began time.Time) time.Time {
	switch {
	case t.verdict.health == unknown:
		pace := firstGap * time.Duration(len(p.targets))
		return began.Add(min(max(quickRetry, pace), p.set.Interval))
	case !t.settled:
		t.settled = true
		return began.Add(t.phase)
	}
	return began.Add(p.set.Interval)
}

// signal wakes Run. The caller holds mu.
func (p *Prober) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
