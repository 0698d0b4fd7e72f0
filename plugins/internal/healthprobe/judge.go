package healthprobe

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// judge updates t's verdict with an attempt. It logs changes: another verdict, or another
// reason for the same verdict. The caller holds mu.
func (p *Prober) judge(t *target, a Attempt) {
	if a.Err == nil {
		doubt := a.Doubt
		if doubt == "" && a.Took > p.set.DegradedAfter {
			doubt = fmt.Sprintf("slower than %v", p.set.DegradedAfter)
		}
		before := t.reason
		changed := t.verdict.success(doubt == "", p.set.Policy)
		t.why, t.last = "", a.Remote
		t.reason = t.verdict.reason(before, doubt)
		if changed || a.Doubt != "" && t.reason == a.Doubt && t.reason != before {
			details := []any{"took", a.Took.Round(time.Microsecond)}
			if t.reason != "" {
				details = append(details, "reason", t.reason)
			}
			p.report(t, details...)
		}
		return
	}
	found := causeOf(a.Err)
	why := found.cause
	if found.ours {
		if t.why != why {
			p.log.Error("can't probe peer: "+string(why), "peer", t.peer, "name", t.name, "target", t.address, "error", a.Err)
		}
		t.why = why
		return
	}
	changed := t.verdict.failure(p.set.Policy)
	if changed || t.why != why && t.verdict.health == pluginsdk.Unreachable {
		p.report(t, "reason", string(why), "error", a.Err)
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
