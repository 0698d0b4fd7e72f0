package loop

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/mesh"
)

// The numbers in the names of cases are those of docs/conformance.md.

func TestLOP11_RTTProbeIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddLocality(rtts("rtt",
			mesh.RTTSample{Peer: 10, RTT: 33 * time.Millisecond}, mesh.RTTSample{Peer: 11, RTT: 150 * time.Millisecond}))
		s := r.ticks(1)
		for id, want := range map[mesh.NodeID]time.Duration{10: 33 * time.Millisecond, 11: 150 * time.Millisecond} {
			if p := peer(s, id); p == nil || !p.HasRTT || p.RTT != want {
				t.Errorf("peer %d is %+v, want an RTT of %v", id, p, want)
			}
		}
	})
}

func TestLOP12_HealthProbeIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddHealth(verdictProbe{"tcp", func(context.Context) ([]mesh.HealthSample, error) {
			return []mesh.HealthSample{{Peer: 5, Health: mesh.HealthUnreachable}}, nil
		}})
		if p := peer(r.ticks(1), 5); p == nil || p.Health != mesh.HealthUnreachable {
			t.Errorf("peer 5 is %+v, want it unreachable", p)
		}
	})
}

// stock is a probe that reports the nodes that the function returns for each call.
func stock(name string, nodes func(call int) []mesh.NodeID) stockProbe {
	call := 0
	return stockProbe{name, func(context.Context) ([]mesh.Inventory, error) {
		call++
		var out []mesh.Inventory
		for _, n := range nodes(call) {
			out = append(out, mesh.Inventory{Node: n, CPULoad1m: ptr(0.5)})
		}
		return out, nil
	}}
}

func TestLOP05_InventoryPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddInventory(stock("stock", func(call int) []mesh.NodeID {
			if call == 1 {
				return []mesh.NodeID{10, 11, 12}
			}
			return []mesh.NodeID{11, 12}
		}))
		if s := r.ticks(1); peer(s, 10) == nil {
			t.Fatal("peer 10 was reported and is not shown")
		}
		s := r.ticks(1)
		if p := peer(s, 10); p != nil {
			t.Errorf("peer 10 is still shown: %+v", p)
		}
		if peer(s, 11) == nil || peer(s, 12) == nil {
			t.Error("peers 11 and 12 are still reported and not shown")
		}
	})
}

func TestLOP06_OtherProbesPanicIsNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddInventory(stock("a", func(int) []mesh.NodeID { return []mesh.NodeID{10} }))
		r.Probes().AddInventory(stock("b", func(call int) []mesh.NodeID {
			if call > 1 {
				panic("broken disk")
			}
			return []mesh.NodeID{11}
		}))
		r.ticks(1)
		s := r.ticks(3)
		if peer(s, 10) == nil || peer(s, 11) == nil {
			t.Errorf("peers are %+v, want 10 and 11", s.Peers)
		}
	})
}

func TestCore286_EmptyAnswerIsNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddInventory(stock("stock", func(call int) []mesh.NodeID {
			if call == 1 {
				return []mesh.NodeID{10, 11}
			}
			return nil
		}))
		if s := r.ticks(4); peer(s, 10) == nil || peer(s, 11) == nil {
			t.Errorf("peers are %+v, want 10 and 11", s.Peers)
		}
	})
}

func TestCore289_AxesOfTwoProbesAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddInventory(stockProbe{"cpu", func(context.Context) ([]mesh.Inventory, error) {
			return []mesh.Inventory{{Node: 10, CPULoad1m: ptr(1.5)}}, nil
		}})
		r.Probes().AddInventory(stockProbe{"tags", func(context.Context) ([]mesh.Inventory, error) {
			return []mesh.Inventory{{Node: 10, Capabilities: []string{"gpu"}}}, nil
		}})
		want := &mesh.Inventory{Node: 10, CPULoad1m: ptr(1.5), Capabilities: []string{"gpu"}}
		if diff := cmp.Diff(want, peer(r.ticks(1), 10).Inventory); diff != "" {
			t.Error(diff)
		}
	})
}

func TestB19_InventoryOfThisNodeIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.Probes().AddInventory(stock("own", func(int) []mesh.NodeID { return []mesh.NodeID{this} }))
		r.Probes().AddLocality(rtts("liar", mesh.RTTSample{Peer: this, RTT: time.Second}))
		p := peer(r.ticks(1), this)
		if p == nil || p.Inventory == nil || p.HasRTT {
			t.Errorf("this node is %+v, want its inventory and no RTT", p)
		}
	})
}

func TestLOP20_ProbesAreAddedAndRemoved(t *testing.T) {
	var p Probes
	check := func(locality, health, inventory int) {
		t.Helper()
		var got [3]int
		for _, src := range p.sources() {
			got[src.kind]++
		}
		if want := [3]int{locality, health, inventory}; got != want {
			t.Errorf("%v probes of locality, health and inventory, want %v", got, want)
		}
	}
	inv := stock("i", func(int) []mesh.NodeID { return nil })
	removeLocality := p.AddLocality(rtts("l"))
	removeHealth := p.AddHealth(verdictProbe{name: "h"})
	removeFirst := p.AddInventory(inv)
	removeSecond := p.AddInventory(inv)
	check(1, 1, 2)
	removeSecond()
	removeSecond()
	check(1, 1, 1)
	removeFirst()
	check(1, 1, 0)
	removeLocality()
	check(0, 1, 0)
	removeHealth()
	check(0, 0, 0)
	p.AddInventory(inv)
	check(0, 0, 1)
}

func TestProbeAddedAfterARemovalIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		remove := r.Probes().AddLocality(rtts("old", mesh.RTTSample{Peer: 10, RTT: time.Millisecond}))
		r.ticks(1)
		remove()
		r.Probes().AddLocality(rtts("new", mesh.RTTSample{Peer: 10, RTT: 2 * time.Millisecond}))
		if p := peer(r.ticks(1), 10); p.RTT != 2*time.Millisecond {
			t.Errorf("RTT is %v, want that of the new probe", p.RTT)
		}
	})
}

func TestPollOrderIsLocalityHealthInventory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order list[string]
		r := newRig(t, withJournal(func(_ mesh.Stamp, in mesh.Input) {
			if s, ok := in.(mesh.Samples); ok {
				order.add(s.Probe)
			}
		}))
		r.Probes().AddInventory(stock("i1", func(int) []mesh.NodeID { return nil }))
		r.Probes().AddHealth(verdictProbe{"h1", func(context.Context) ([]mesh.HealthSample, error) { return nil, nil }})
		for i, name := range []string{"l1", "l2", "l3"} { // the later ones answer first
			wait := time.Duration(3-i) * time.Millisecond
			r.Probes().AddLocality(rttProbe{name, func(context.Context) ([]mesh.RTTSample, error) {
				time.Sleep(wait)
				return nil, nil
			}})
		}
		r.run()
		pass(interval + budget)
		if want := []string{"l1", "l2", "l3", "h1", "i1"}; !slices.Equal(order.all(), want) {
			t.Errorf("folded in the order %v, want %v", order.all(), want)
		}
	})
}

func TestCore283_PanickingProbeIsOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var broken atomic.Bool
		broken.Store(true)
		r.Probes().AddLocality(rttProbe{"bad", func(context.Context) ([]mesh.RTTSample, error) {
			if broken.Load() {
				var none *mesh.RTTSample
				return []mesh.RTTSample{*none}, nil
			}
			return nil, nil
		}})
		r.Probes().AddLocality(rtts("good", mesh.RTTSample{Peer: 10, RTT: time.Millisecond}))
		s := r.ticks(5)
		if s.Tick != 5 || peer(s, 10) == nil {
			t.Errorf("%d ticks and peers %+v, want 5 ticks and the good probe's peer", s.Tick, s.Peers)
		}
		got := failures(s, "locality_probe:bad")
		if len(got) != 1 || !strings.Contains(got[0], "probes_test.go:") || !strings.Contains(got[0], "nil pointer") {
			t.Errorf("failures are %q, want one with cause and place", got)
		}

		broken.Store(false)
		s = r.ticks(2)
		if got := logged(s, "locality_probe:bad"); len(got) != 1 || !strings.Contains(got[0], "5 failed calls") {
			t.Errorf("log says %q, want one line about the recovery", got)
		}
		broken.Store(true)
		if got := failures(r.ticks(2), "locality_probe:bad"); len(got) != 2 {
			t.Errorf("failures are %q, want a second one after the recovery", got)
		}
	})
}

func TestFailureIsReportedAgainWhenItsReasonChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var reason atomic.Value
		reason.Store("no route")
		r.Probes().AddHealth(verdictProbe{"h", func(context.Context) ([]mesh.HealthSample, error) {
			return nil, errors.New(reason.Load().(string))
		}})
		r.ticks(3)
		reason.Store("no permission")
		got := failures(r.ticks(3), "health_probe:h")
		if want := []string{"no route", "no permission"}; !slices.Equal(got, want) {
			t.Errorf("failures are %q, want %q", got, want)
		}
	})
}

type badError struct{}

func (badError) Error() string { panic("even the error is broken") }

func TestHoweverACallFailsThereIsAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		fail func() error
		want string
	}{
		"ends its goroutine": {func() error { runtime.Goexit(); return nil }, "ended its goroutine"},
		"panics with nil":    {func() error { panic(nil) }, "panicked"}, //nolint:govet // on purpose
		"error that panics":  {func() error { return badError{} }, "even the error is broken"},
		"error without text": {func() error { return errors.New("") }, "without a message"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t)
				r.Probes().AddLocality(rttProbe{"odd", func(context.Context) ([]mesh.RTTSample, error) {
					return nil, c.fail()
				}})
				s := r.ticks(3)
				got := failures(s, "locality_probe:odd")
				if s.Tick != 3 || len(got) != 1 || !strings.Contains(got[0], c.want) {
					t.Errorf("%d ticks, failures %q; want 3 and one with %q", s.Tick, got, c.want)
				}
			})
		})
	}
}

func TestFailedCallReachesTheCoreAsSuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got list[mesh.Samples]
		r := newRig(t, withJournal(func(_ mesh.Stamp, in mesh.Input) {
			if s, ok := in.(mesh.Samples); ok {
				got.add(s)
			}
		}))
		r.Probes().AddLocality(rttProbe{"p", func(context.Context) ([]mesh.RTTSample, error) {
			return []mesh.RTTSample{{Peer: 2, RTT: 1}}, errors.New("half an answer")
		}})
		r.run()
		r.ticks(2)
		one := mesh.Samples{Probe: "p", Err: "half an answer"}
		if diff := cmp.Diff([]mesh.Samples{one, one}, got.all()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProbeWithANewReasonEachTimeIsReportedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		call := 0
		r.Probes().AddLocality(rttProbe{"inventive", func(context.Context) ([]mesh.RTTSample, error) {
			call++
			return nil, fmt.Errorf("trouble %d", call)
		}})
		var want []string
		for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64} {
			want = append(want, fmt.Sprintf("trouble %d", n))
		}
		if got := failures(r.ticks(100), "locality_probe:inventive"); !slices.Equal(got, want) {
			t.Errorf("reported %q, want %q", got, want)
		}
	})
}

// owningProbe writes all its answers to the same memory, as soon as it has that back.
type owningProbe struct {
	rttProbe
	folded func(samples []mesh.RTTSample)
}

func (p owningProbe) Folded(samples []mesh.RTTSample) { p.folded(samples) }

func TestSamplesAreGivenBackOnceTheyAreFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		var memory, given atomic.Pointer[[]mesh.RTTSample]
		rounds := 0
		probe := owningProbe{
			rttProbe{"rtt", func(context.Context) ([]mesh.RTTSample, error) {
				samples := memory.Swap(nil)
				if rounds++; samples == nil {
					samples = &[]mesh.RTTSample{{}}
				}
				(*samples)[0] = mesh.RTTSample{Peer: 10, RTT: time.Duration(rounds) * time.Millisecond}
				given.Store(samples)
				return *samples, nil
			}},
			func(samples []mesh.RTTSample) {
				if &samples[0] != &(*given.Load())[0] {
					t.Error("other samples come back")
				}
				samples[0] = mesh.RTTSample{Peer: 99, RTT: time.Hour}
				memory.Store(&samples)
			},
		}
		r.Probes().AddLocality(probe)
		for n := range 3 {
			s := r.ticks(1)
			if memory.Load() == nil {
				t.Fatal("the samples do not come back")
			}
			if p := peer(s, 10); p == nil || p.RTT != time.Duration(n+1)*time.Millisecond || peer(s, 99) != nil {
				t.Errorf("peer 10 is %+v", p)
			}
		}
	})
}
