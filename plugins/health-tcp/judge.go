package main

import (
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// judge updates t's verdict with an attempt. It logs changes: another verdict, or another
// reason for the same verdict. The caller holds mu.
func (p *Prober) judge(t *target, a attempt) {
	if a.err == nil {
		changed := t.verdict.success(a.took, p.set.policy)
		t.why, t.last = "", a.remote
		t.reason = t.verdict.reason(t.reason, a.took, p.set.policy)
		if changed {
			p.report(t, "took", a.took.Round(time.Microsecond))
		}
		return
	}
	why := causeOf(a.err)
	if why.ours() {
		if t.why != why {
			p.log.Error("can't probe peer: "+string(why), "peer", t.peer, "name", t.name, "target", t.address, "error", a.err)
		}
		t.why = why
		return
	}
	changed := t.verdict.failure(p.set.policy)
	if changed || t.why != why && t.verdict.health == pluginsdk.Unreachable {
		p.report(t, "reason", string(why), "error", a.err)
	}
	t.why = why
	if t.verdict.health != unknown {
		t.reason = string(why)
	}
}

// report logs t's verdict, as a warning unless the peer is healthy.
func (p *Prober) report(t *target, details ...any) {
	line := append([]any{"peer", t.peer, "name", t.name, "target", t.address}, details...)
	if t.verdict.health == pluginsdk.Healthy {
		p.log.Info("peer is healthy", line...)
		return
	}
	p.log.Warn("peer is "+t.verdict.health.String(), line...)
}
