package healthprobe

import (
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// Policy defines which attempts lead to which verdict.
type Policy struct {
	DegradedAfter time.Duration // a slower answer is a bad sign
	Failures      int           // in a row make a target unreachable
	Successes     int           // in a row make it healthy again
}

// unknown is the state of a target without a verdict yet.
const unknown pluginsdk.Health = 0

// verdict is the state of one target. The zero value is unknown. It reads no clock;
// attempts are reported in the order in which they ended.
//
// The first success makes an unknown target healthy, or degraded if it was slow (or in doubt for another reason) or if a
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

// success adds an attempt that succeeded, without a doubt or not, and reports whether the
// state changed.
func (v *verdict) success(good bool, p Policy) bool {
	before, doubted := v.health, v.failed > 0
	v.failed = 0
	v.succeeded = min(v.succeeded+1, p.Successes)
	v.fast = min(v.fast+1, p.Successes)
	if !good {
		v.fast = 0
	}
	slow, sure := v.fast == 0, v.fast >= p.Successes
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
		case v.succeeded >= p.Successes:
			v.health = pluginsdk.Degraded
		}
	}
	return v.health != before
}

// reason returns in words why the state is not healthy after a success with this doubt;
// before is what it was until then.
func (v *verdict) reason(before, doubt string) string {
	switch {
	case v.health == pluginsdk.Healthy:
		return ""
	case doubt != "":
		return doubt
	case before == "":
		return "recovering"
	}
	return before
}

// failure adds an attempt that failed, and reports whether the state changed.
func (v *verdict) failure(p Policy) bool {
	before := v.health
	v.succeeded, v.fast = 0, 0
	v.failed = min(v.failed+1, p.Failures)
	switch {
	case v.failed >= p.Failures:
		v.health = pluginsdk.Unreachable
	case v.health == pluginsdk.Healthy:
		v.health = pluginsdk.Degraded
	}
	return v.health != before
}
