package main

import (
	"crypto/rand"
	"slices"
	"time"
)

// idRounds is how many rounds share an ICMP id. A new id helps after a firewall has learned
// to drop the old one. A new id in every round would fill connection tables with an entry
// for each target and round.
const idRounds = 300

// begin returns the next round for the current targets, and its schedule. The round is nil
// if there are no targets.
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
	targets := p.turn(time.Now())
	cookies := make([]byte, cookieLen*len(targets)*p.set.count)
	_, _ = rand.Read(cookies) // never fails
	r := newRound(id, targets, p.set.count, p.set.timeout, cookies)
	p.rounds = append(p.rounds, r)
	p.forgetSettled()
	return r, how
}

// nextWake settles what has timed out, but nothing before held, and returns when to call it
// again. It returns false if nothing is left to do until the targets change.
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
				p.publish(r.id, o, false)
			}
		}
		if r.over(now) {
			continue
		}
		open = append(open, r)
		if t, ok := r.nextExpiry(); ok {
			if t.Before(held) {
				t = held
			}
			earliest(t)
		} else if r.allSettled() {
			earliest(r.sent[len(r.sent)-1].Add(lateLimit))
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

// maxSlots limits how many echoes of settled rounds wait for late replies, and so the memory.
const maxSlots = 1 << 20

// forgetSettled forgets the oldest rounds that are settled while there are too many echoes.
// The caller holds mu.
func (p *Pinger) forgetSettled() {
	slots := 0
	for _, r := range p.rounds {
		slots += len(r.sent)
	}
	for slots > maxSlots && p.rounds[0].allSettled() {
		slots -= len(p.rounds[0].sent)
		p.rounds = slices.Delete(p.rounds, 0, 1)
	}
}

// publish stores an outcome, or (again) that of a settled target that changed, unless the
// target is gone. The caller holds mu.
func (p *Pinger) publish(id uint32, o outcome, again bool) {
	if !p.known(o.target) {
		return
	}
	r := p.results[o.target.path()]
	if r == nil {
		r = &result{}
		p.results[o.target.path()] = r
	}
	r.settle(id, o, again)
	p.decide(o.target.peer)
}
