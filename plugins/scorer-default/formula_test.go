package main

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// defaults are the defaults of the struct tags; TestDefaultsOfTheTags compares.
func defaults() config {
	return config{
		WeightRTT: 3, WeightHealth: 3, WeightLoad: 1, WeightMemory: 1, WeightDisk: 1,
		RTTHalf: pluginsdk.Duration(100 * time.Millisecond), LoadFull: 8, LoadPerCPUFull: 1, MemFree: 0.2, DiskFree: 0.2,
		Degraded: 0.4, Unknown: 0.5,
		CordonedFactor: 0.8, AvoidedFactor: 0.4, ReturningFactor: 0.8,
		Transfer: pluginsdk.Duration(time.Second), Disruption: pluginsdk.Duration(200 * time.Millisecond), Doubt: 1.5,
	}
}

const (
	healthy     = meshosv1.NodeHealth_NODE_HEALTH_HEALTHY
	degraded    = meshosv1.NodeHealth_NODE_HEALTH_DEGRADED
	unreachable = meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE

	active      = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ACTIVE
	entering    = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_ENTERING
	maintenance = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE
	exiting     = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_EXITING
	drainFailed = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_DRAIN_FAILED
	recovery    = meshosv1.MaintenancePhase_MAINTENANCE_PHASE_RECOVERY
)

func is(v float64) reading { return reading{value: v, known: true} }

// perfect is a node with the best value of every input.
func perfect() facts {
	return facts{rtt: is(0), load: is(0), memFree: is(1), diskFree: is(1), health: healthy, phase: active}
}

func TestScoreTable(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(*facts)
		want  float64
	}{
		{"a perfect node", func(*facts) {}, 1},
		{"nothing known at all", func(f *facts) { *f = facts{} }, 0.5},
		{"only known to be healthy", func(f *facts) { *f = facts{health: healthy} }, 0.63},

		{"rtt 1 ms", func(f *facts) { f.rtt = is(0.001) }, 0.997},
		{"rtt at rtt_half", func(f *facts) { f.rtt = is(0.1) }, 0.794},
		{"rtt 300 ms", func(f *facts) { f.rtt = is(0.3) }, 0.63},
		{"rtt 1 s", func(f *facts) { f.rtt = is(1) }, 0.45},
		{"rtt of a day", func(f *facts) { f.rtt = is(86400) }, 0.01},
		{"lost", func(f *facts) { f.rtt, f.lost = reading{}, true }, 0},
		{"lost, of whom an earlier rtt is known", func(f *facts) { f.lost = true }, 0},
		{"rtt unknown", func(f *facts) { f.rtt = reading{} }, 0.794},

		{"degraded", func(f *facts) { f.health = degraded }, 0.737},
		{"degraded and 300 ms away", func(f *facts) { f.health, f.rtt = degraded, is(0.3) }, 0.464},
		{"health unknown", func(f *facts) { f.health = 0 }, 0.794},
		{"unreachable is a hard zero", func(f *facts) { f.health = unreachable }, 0},

		{"load at load_full", func(f *facts) { f.load = is(8) }, 0.926},
		{"load of ten times load_full", func(f *facts) { f.load = is(80) }, 0.766},
		{"all CPUs busy", func(f *facts) { f.busy, f.load = is(1), is(64) }, 0.926},
		{"idle, with many CPUs", func(f *facts) { f.busy, f.load = is(0), is(8) }, 1},
		{"a fifth of the memory free is enough", func(f *facts) { f.memFree = is(0.2) }, 1},
		{"a tenth of the memory free", func(f *facts) { f.memFree = is(0.1) }, 0.926},
		{"no memory free is zero", func(f *facts) { f.memFree = is(0) }, 0},
		{"a hundredth of the disk free", func(f *facts) { f.diskFree = is(0.01) }, 0.717},
		{"a full disk is zero", func(f *facts) { f.diskFree = is(0) }, 0},
		{"no inventory", func(f *facts) { f.load, f.memFree, f.diskFree = reading{}, reading{}, reading{} }, 0.794},

		{"cordoned", func(f *facts) { f.cordoned = true }, 0.8},
		{"avoided", func(f *facts) { f.avoided = true }, 0.4},
		{"cordoned and avoided", func(f *facts) { f.cordoned, f.avoided = true, true }, 0.32},
		{"phase unknown", func(f *facts) { f.phase = 0 }, 1},
		{"entering maintenance is a hard zero", func(f *facts) { f.phase = entering }, 0},
		{"in maintenance is a hard zero", func(f *facts) { f.phase = maintenance }, 0},
		{"drain failed is a hard zero", func(f *facts) { f.phase = drainFailed }, 0},
		{"leaving maintenance", func(f *facts) { f.phase = exiting }, 0.8},
		{"recovering", func(f *facts) { f.phase = recovery }, 0.8},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := defaults().formula()
			f := perfect()
			c.alter(&f)
			if got := p.score(f); got != c.want {
				t.Errorf("score(%+v) = %v, want %v", f, got, c.want)
			}
		})
	}
}

func TestAnInputWithoutWeightHasNoEffect(t *testing.T) {
	cfg := defaults()
	cfg.WeightDisk = 0
	p := cfg.formula()
	f := perfect()
	f.diskFree = is(0)
	if got := p.score(f); got != 1 {
		t.Errorf("with a full disk without weight the score is %v, want 1", got)
	}
}

func TestCostTable(t *testing.T) {
	p := defaults().formula()
	for _, c := range []struct {
		name        string
		target      facts
		transfer    time.Duration
		reliability float64
	}{
		{"close by", facts{rtt: is(0), health: healthy}, time.Second, 1},
		{"at rtt_half twice as long", facts{rtt: is(0.1), health: healthy}, 2 * time.Second, 1},
		{"unknown distance like rtt_half", facts{health: healthy}, 2 * time.Second, 1},
		{"degraded target is dearer", facts{rtt: is(0), health: degraded}, time.Second, 1.5},
		{"unknown health is dearer", facts{rtt: is(0)}, time.Second, 1.5},
		{"absurd distance is bounded", facts{rtt: is(1e300), health: healthy}, 1000 * time.Second, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			transfer, disruption, reliability := p.cost(c.target)
			if transfer != c.transfer || disruption != 200*time.Millisecond || reliability != c.reliability {
				t.Errorf("cost = %v, %v, %v; want %v, 200ms, %v", transfer, disruption, reliability, c.transfer, c.reliability)
			}
		})
	}
}

// For all inputs the score is a number from 0 to 1, and an input that gets worse does not
// make it better.
func TestScoreIsBoundedAndMonotonic(t *testing.T) {
	maybe := func(rt *rapid.T, top float64, name string) reading {
		if rapid.Bool().Draw(rt, name+" known") {
			return is(rapid.Float64Range(0, top).Draw(rt, name))
		}
		return reading{}
	}
	rapid.Check(t, func(rt *rapid.T) {
		cfg := defaults()
		cfg.WeightRTT = rapid.Float64Range(0, 100).Draw(rt, "weight_rtt")
		cfg.WeightDisk = rapid.Float64Range(0, 100).Draw(rt, "weight_disk")
		cfg.Unknown = rapid.Float64Range(0.01, 1).Draw(rt, "unknown")
		p := cfg.formula()
		f := facts{
			rtt:      maybe(rt, math.MaxFloat64, "rtt"),
			load:     maybe(rt, math.MaxFloat64, "load"),
			busy:     maybe(rt, math.MaxFloat64, "busy"),
			memFree:  maybe(rt, 1, "memory"),
			diskFree: maybe(rt, 1, "disk"),
			health:   meshosv1.NodeHealth(rapid.Int32Range(-1, 9).Draw(rt, "health")),
			phase:    meshosv1.MaintenancePhase(rapid.Int32Range(-1, 9).Draw(rt, "phase")),
			cordoned: rapid.Bool().Draw(rt, "cordoned"),
			avoided:  rapid.Bool().Draw(rt, "avoided"),
		}
		s := p.score(f)
		if math.IsNaN(s) || s < 0 || s > 1 {
			rt.Fatalf("score(%+v) = %v", f, s)
		}
		worse := f
		if worse.rtt.known {
			worse.rtt.value *= 2
		}
		if worse.diskFree.known {
			worse.diskFree.value /= 2
		}
		worse.avoided = true
		if w := p.score(worse); w > s {
			rt.Fatalf("worse %+v scores %v, more than %v", worse, w, s)
		}
		transfer, _, reliability := p.cost(f)
		if transfer < 0 || math.IsNaN(reliability) || reliability < 1 {
			rt.Fatalf("cost(%+v) = %v, %v", f, transfer, reliability)
		}
	})
}
