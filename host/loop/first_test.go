package loop

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// completeHealth is a health probe that has said everything with its third answer.
type completeHealth struct {
	asked list[time.Duration]
	rig   *rig
}

func (*completeHealth) Name() string { return "slow" }

func (p *completeHealth) SampleHealth(context.Context) (mesh.HealthAnswer, error) {
	p.asked.add(time.Since(p.rig.begun))
	n := len(p.asked.all())
	if n == 1 {
		return mesh.HealthAnswer{}, errors.New("not yet")
	}
	return mesh.HealthAnswer{Samples: []mesh.HealthSample{{Peer: 2, Health: mesh.HealthHealthy}}, Complete: n >= 3}, nil
}

func withFirstPause(d time.Duration) option { return withConfig(func(c *Config) { c.FirstPause = d }) }

func TestTheFirstTickComesWhenEverythingIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option())
		c.rig.run()
		pass(30 * time.Millisecond)
		c.rig.Feed().Begin()
		pass(10 * time.Millisecond)
		c.rig.Feed().Begin() // in vain: the first tick was
		pass(200 * time.Millisecond)
		if want := ms(30, 130, 230); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks at %v, want %v", c.at.all(), want)
		}
	})
}

// While a probe has not said all that it knows, ticks come sooner and ask it alone; the others
// are asked at their interval.
func TestANodeThatHasJustStartedAsksAgainWhatIsNotCompleteYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tickTimes
		c.rig = newRig(t, c.option(), withFirstPause(10*time.Millisecond))
		slow := &completeHealth{rig: c.rig}
		var others list[string]
		c.rig.Probes().AddHealth(slow)
		c.rig.Probes().AddLocality(rttProbe{"counts", func(context.Context) ([]mesh.RTTSample, error) {
			others.add("counts")
			return []mesh.RTTSample{{Peer: 2}}, nil
		}})
		c.rig.Probes().AddInventory(stockProbe{"stock", func(context.Context) ([]mesh.Inventory, error) {
			others.add("stock")
			return []mesh.Inventory{{Node: 2}}, nil
		}})
		c.rig.Handlers().Add(c.rig.handler("h", func(context.Context, []mesh.NodeID) ([]mesh.Event, error) {
			others.add("h")
			return nil, nil
		}))
		c.rig.run()
		pass(210 * time.Millisecond)
		if want := ms(100, 110, 120, 200); !slices.Equal(slow.asked.all(), want) {
			t.Errorf("the slow probe was asked at %v, want %v", slow.asked.all(), want)
		}
		if want := ms(100, 110, 120, 200); !slices.Equal(c.at.all(), want) {
			t.Errorf("ticks at %v, want %v", c.at.all(), want)
		}
		if got := len(others.all()); got != 2*3 {
			t.Errorf("the others were asked for %q, want each twice", others.all())
		}
	})
}

func TestAProbeThatIsNeverCompleteHastensTicksForAWhileOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		r := newRig(t, withFirstPause(10*time.Millisecond))
		r.Probes().AddHealth(verdictProbe{"never", func(context.Context) ([]mesh.HealthSample, error) { n.Add(1); return nil, nil }})
		r.run()
		pass((1 + firstShare) * interval)
		first := n.Load()
		if first < 2*firstShare {
			t.Errorf("asked %d times at first", first)
		}
		pass(10 * interval)
		if again := n.Load() - first; again != 10 {
			t.Errorf("then it was asked %d times in ten intervals", again)
		}
	})
}
