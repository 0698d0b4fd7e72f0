package main

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/netlab"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// labAddress is the address of peer n in the lab.
func labAddress(n int) string { return fmt.Sprintf("10.77.%d.%d", 1+n/250, 1+n%250) }

// labProbe runs the plugin's process under a catalog, for peers 2 … n+1 of the lab.
func labProbe(t *testing.T, n int, config map[string]any) *catalog.LocalityProbe {
	t.Helper()
	var peers []*pluginv1.Peer
	for i := range n {
		peers = append(peers, &pluginv1.Peer{Id: uint64(i + 2), Address: labAddress(i)})
	}
	c := catalogtest.Start(t, "locality-icmp", config, catalogtest.Peers(peers...))
	probe, err := c.LocalityProbe("locality-icmp")
	if err != nil {
		t.Fatal(err)
	}
	return probe
}

// until waits until the sample of the only peer is as wanted.
func until(t *testing.T, probe *catalog.LocalityProbe, what string, ok func(mesh.RTTSample) bool) {
	t.Helper()
	var last mesh.RTTSample
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: the last sample was %+v", what, last)
		}
	})
	testkit.Until(t, what, func() bool {
		got, err := probe.SampleRTT(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Samples) == 1 {
			last = got.Samples[0]
			return ok(last)
		}
		return false
	})
}

// onBothSockets runs a test with a raw socket and, at the same time, with an unprivileged ping
// socket: each has a network of its own.
func onBothSockets(t *testing.T, test func(t *testing.T, link *netlab.Link)) {
	for kind, without := range map[string][]uintptr{"raw": nil, "ping": {unix.CAP_NET_RAW}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			netlab.Inside(t, func(t *testing.T) {
				link := netlab.New(t, 1500)
				if kind == "ping" {
					if err := allowPing(); err != nil {
						t.Fatal(err)
					}
				}
				test(t, link)
			}, without...)
		})
	}
}

func TestInANetworkTheReasonsStandInWords(t *testing.T) {
	t.Parallel()
	onBothSockets(t, func(t *testing.T, link *netlab.Link) {
		answers := func(f func(e netlab.Echo) []byte) {
			link.Reset(func(e netlab.Echo) []netlab.Answer {
				return []netlab.Answer{{After: 5 * time.Millisecond, Packet: f(e)}}
			})
		}
		answers(func(e netlab.Echo) []byte { return e.Reply() })
		probe := labProbe(t, 1, map[string]any{"interval": "100ms", "timeout": "200ms"})
		until(t, probe, "it answers", func(s mesh.RTTSample) bool { return s.RTT > 0 && s.Received > 3 && s.Received == s.Sent })

		answers(func(e netlab.Echo) []byte { return e.Error("10.77.9.9", 3, 1, 0) })
		until(t, probe, "a router says that the host is unreachable", func(s mesh.RTTSample) bool {
			return s.NoAnswer == mesh.NoAnswerUnreachable && s.Reason == "unreachable: host unreachable, says 10.77.9.9" && s.Unanswered > 3
		})
		answers(func(e netlab.Echo) []byte { return e.Error(labAddress(0), 3, 10, 0) })
		until(t, probe, "its firewall says so itself", func(s mesh.RTTSample) bool {
			return s.Reason == "unreachable: prohibited by a firewall"
		})
		answers(func(e netlab.Echo) []byte { return e.Error("10.77.9.9", 11, 0, 0) })
		until(t, probe, "a loop of routes", func(s mesh.RTTSample) bool { return s.Reason == "unreachable: too many hops, says 10.77.9.9" })

		answers(func(e netlab.Echo) []byte { return e.Part(cookieLen) })
		until(t, probe, "a part of the payload with the whole cookie is an answer", func(s mesh.RTTSample) bool {
			return s.RTT > 0 && s.Reason == "" && s.Unanswered == 0
		})
		answers(func(e netlab.Echo) []byte { return e.Part(cookieLen - 1) })
		until(t, probe, "without a whole cookie it is not", func(s mesh.RTTSample) bool { return s.RTT == 0 && s.Unanswered > 3 })

		link.Reset(func(e netlab.Echo) []netlab.Answer {
			return []netlab.Answer{{After: 450 * time.Millisecond, Packet: e.Reply()}}
		})
		until(t, probe, "answers come late", func(s mesh.RTTSample) bool {
			return s.RTT > 440*time.Millisecond && s.Late > 3 && s.Reason == "answers come later than the timeout of 200ms" && s.Unanswered < 2
		})
	})
}

func TestInANetworkEchoesHaveTheirSizeAndAreNotFragmented(t *testing.T) {
	t.Parallel()
	onBothSockets(t, func(t *testing.T, link *netlab.Link) {
		const size, mtu = 1400, 1280
		link.Reset(func(e netlab.Echo) []netlab.Answer {
			if len(e.Request) != size+28 || !e.DF {
				return nil
			}
			return []netlab.Answer{{Packet: e.Error("10.77.9.9", 3, 4, mtu)}}
		})
		probe := labProbe(t, 1, map[string]any{"interval": "100ms", "timeout": "200ms", "size": size, "dont_fragment": true})
		until(t, probe, "a router says that the packet is too big, again and again", func(s mesh.RTTSample) bool {
			return s.NoAnswer == mesh.NoAnswerUnreachable && s.Reason == "unreachable: packet too big for an MTU of 1280, says 10.77.9.9" && s.Unanswered > 5
		})
		link.Reset(func(e netlab.Echo) []netlab.Answer { return []netlab.Answer{{Packet: e.Reply()}} })
		until(t, probe, "the path got wider", func(s mesh.RTTSample) bool { return s.RTT > 0 && s.Unanswered == 0 })
	})
}
