package main

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// policy defines which attempts lead to which verdict.
type policy struct {
	degradedAfter time.Duration // a slower connection is a bad sign
	failures      int           // in a row make a target unreachable
	successes     int           // in a row make it healthy again
}

// unknown is the state of a target without a verdict yet.
const unknown pluginsdk.Health = 0

// verdict is the state of one target. The zero value is unknown. It reads no clock;
// attempts are reported in the order in which they ended.
//
// The first success makes an unknown target healthy, or degraded if it was slow or if a
// failure came first. Failures leave it unknown until there are enough of them for
// unreachable, so that the first verdict is not a guess. Later, one failure or one slow
// connection makes a target degraded. Enough failures in a row make it unreachable; only
// enough successes in a row end that. Healthy again takes as many fast ones.
type verdict struct {
	health    pluginsdk.Health
	failed    int // failures in a row
	succeeded int // successes in a row
	fast      int // fast successes in a row
}

// success adds a connection that took so long, and reports whether the state changed.
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

// reason returns in words why the state is not healthy after a connection that took so
// long; before is what it was until then.
func (v *verdict) reason(before string, took time.Duration, p policy) string {
	switch {
	case v.health == pluginsdk.Healthy:
		return ""
	case took > p.degradedAfter:
		return fmt.Sprintf("slower than %v", p.degradedAfter)
	case before == "":
		return "recovering"
	}
	return before
}

// failure adds an attempt that failed, and reports whether the state changed.
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
