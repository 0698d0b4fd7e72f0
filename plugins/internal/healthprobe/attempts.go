package healthprobe

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/meshos/meshos/pluginsdk"
)

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
