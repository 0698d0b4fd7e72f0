package main

import (
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// policy says when a target counts as what.
type policy struct {
	degradedAfter time.Duration // a slower connect is a bad sign
	failures      int           // in a row make a target unreachable
	successes     int           // in a row make it healthy again
}

// unknown is the state of a target without a verdict yet.
const unknown pluginsdk.Health = 0

// verdict is the state of one target. The zero value knows nothing. It reads no
// clock; attempts are reported in the order in which they ended.
//
// The first success says healthy, or degraded when it was slow. From unknown,
// failures say nothing until there are enough of them for unreachable: the first
// thing said of a target must not be a guess. Later one failure or one slow
// connect says degraded. Enough failures in a row say unreachable, and only
// enough successes in a row lead away from there; healthy takes as many fast
// ones.
type verdict struct {
	health    pluginsdk.Health
	failed    int // failures in a row
	succeeded int // successes in a row
	fast      int // fast successes in a row
}

// success takes a connect that took so long and reports whether the state
// changed.
func (v *verdict) success(took time.Duration, p policy) bool {
	before, doubted := v.health, v.failed > 0
	v.failed = 0
	v.succeeded = min(v.succeeded+1, p.successes)
	v.fast = min(v.fast+1, p.successes)
	if took > p.degradedAfter {
		v.fast = 0
	}
	slow, sure := v.fast == 0, v.fast >= p.successes
	switch v.health {
	case unknown:
		v.health = pluginsdk.Healthy
		if slow || doubted && !sure {
			v.health = pluginsdk.Degraded
		}
	case pluginsdk.Healthy:
		if slow {
			v.health = pluginsdk.Degraded
		}
	case pluginsdk.Degraded:
		if sure {
			v.health = pluginsdk.Healthy
		}
	case pluginsdk.Unreachable:
		switch {
		case sure:
			v.health = pluginsdk.Healthy
		case v.succeeded >= p.successes:
			v.health = pluginsdk.Degraded
		}
	}
	return v.health != before
}

// failure takes an attempt that failed and reports whether the state changed.
func (v *verdict) failure(p policy) bool {
	before := v.health
	v.succeeded, v.fast = 0, 0
	v.failed = min(v.failed+1, p.failures)
	switch {
	case v.failed >= p.failures:
		v.health = pluginsdk.Unreachable
	case v.health == pluginsdk.Healthy:
		v.health = pluginsdk.Degraded
	}
	return v.health != before
}
