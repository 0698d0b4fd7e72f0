package healthprobe

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

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

// signal wakes Run. The caller holds mu.
func (p *Prober) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}
