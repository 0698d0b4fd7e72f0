package main

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/pluginsdk"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestTheSearchFindsTheMTUOfAnyPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := family(rapid.IntRange(0, 1).Draw(t, "family"))
		mtu := rapid.IntRange(f.leastMTU(), maxMTU).Draw(t, "mtu")
		said := rapid.Bool().Draw(t, "said")
		m, steps := newMTUSearch(f), 0
		for {
			size, more := m.next()
			if !more {
				break
			}
			if steps++; steps > 25 {
				t.Fatalf("%d steps", steps)
			}
			s := pluginsdk.RTTSample{Sent: 3, Received: 1}
			if size > mtu {
				s = pluginsdk.RTTSample{Sent: 3, Reason: timedOut}
				if said {
					s.Reason = fmt.Sprintf("unreachable: "+packetTooBig+", says 10.0.0.1", mtu)
				}
			}
			m.tried(size, s)
		}
		if got := m.found(); got.Bytes != mtu || (got.Reason == "") != (mtu == maxMTU) {
			t.Fatalf("%+v, want %d", got, mtu)
		}
		if said && steps > 6 {
			t.Errorf("%d steps although the router says the MTU", steps)
		}
	})
}

func TestASearchWithoutAnyAnswerSaysWhy(t *testing.T) {
	m := newMTUSearch(familyV4)
	m.tried(68, pluginsdk.RTTSample{Sent: 3, Reason: timedOut})
	if _, more := m.next(); more {
		t.Error("it goes on")
	}
	if got := m.found(); got.Bytes != 0 || got.Reason != "not even a packet of 68 bytes is answered: timed out" {
		t.Errorf("%+v", got)
	}
}

// probeNow asks the plugin about peer 2 of the lab.
func probeNow(t *testing.T, c *catalog.Catalog, mtu bool) *hostv1.ProbeFinding {
	t.Helper()
	got, err := c.Probe(t.Context(), 2, mtu)
	if err != nil || len(got.GetFindings()) != 1 || got.GetFindings()[0].GetError() != "" || !got.GetFindings()[0].GetMeasured() {
		t.Fatalf("%v, %v", got, err)
	}
	return got.GetFindings()[0]
}

func TestInANetworkAProbeOnDemandFindsTheMTU(t *testing.T) {
	t.Parallel()
	const mtu = 1392
	onBothSockets(t, func(t *testing.T, link *netlab.Link) {
		path := func(says bool) {
			link.Reset(func(e netlab.Echo) []netlab.Answer {
				switch {
				case len(e.Request) <= mtu:
					return []netlab.Answer{{After: time.Millisecond, Packet: e.Reply()}}
				case says:
					return []netlab.Answer{{Packet: e.Error("10.77.9.9", 3, 4, mtu)}}
				}
				return nil
			})
		}
		path(true)
		c := catalogtest.Start(t, "locality-icmp", map[string]any{"timeout": "200ms"}, catalogtest.Peers(&pluginv1.Peer{Id: 2, Address: labAddress(0)}))
		f := probeNow(t, c, true)
		if r := f.GetResult().GetRtt(); r.GetSent() != 3 || r.GetReceived() != 3 || r.GetRtt().AsDuration() < time.Millisecond {
			t.Errorf("the round: %v", r)
		}
		if m := f.GetResult().GetPathMtu(); m.GetBytes() != mtu || m.GetReason() != "a larger packet: unreachable: packet too big for an MTU of 1392, says 10.77.9.9" {
			t.Errorf("a router says it: %v", m)
		}
		path(false)
		if m := probeNow(t, c, true).GetResult().GetPathMtu(); m.GetBytes() != mtu || m.GetReason() != "a larger packet: timed out" {
			t.Errorf("a black hole: %v", m)
		}
		link.Reset(func(e netlab.Echo) []netlab.Answer { return []netlab.Answer{{Packet: e.Reply()}} })
		if m := probeNow(t, c, true).GetResult().GetPathMtu(); m.GetBytes() != 1500 || m.GetReason() != "a larger packet: not sent: message too long" {
			t.Errorf("the link itself: %v", m)
		}
		link.Reset(func(netlab.Echo) []netlab.Answer { return nil })
		f = probeNow(t, c, true)
		if r, m := f.GetResult().GetRtt(), f.GetResult().GetPathMtu(); r.GetRtt() != nil || r.GetReason() != timedOut || m.GetBytes() != 0 || m.GetReason() == "" {
			t.Errorf("nobody answers: %v, %v", r, m)
		}
		if m := probeNow(t, c, false).GetResult().GetPathMtu(); m != nil {
			t.Errorf("it was not asked for: %v", m)
		}
	})
}
