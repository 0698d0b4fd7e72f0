package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/netlab"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// lab is a node in a network namespace, whose peers answer echoes after the time that takes
// has for their address; those that are not in it do not answer.
type lab struct {
	*node
	link *netlab.Link
}

func (l *lab) takes(rtts map[int]time.Duration) {
	l.link.Reset(func(e netlab.Echo) []netlab.Answer {
		rtt, answers := rtts[int(e.To.As4()[3])]
		if !answers {
			return nil
		}
		return []netlab.Answer{{After: rtt, Packet: e.Reply()}}
	})
}

// inLab runs a test with a node in a namespace.
func inLab(t *testing.T, test func(t *testing.T, l *lab)) {
	netlab.Inside(t, func(t *testing.T) { test(t, &lab{node: prepare(t), link: netlab.New(t, 1500)}) })
}

// configure gives the node the peers 2 … last with the addresses 10.77.0.2 …; rest is the rest
// of an entry, by peer.
func (l *lab) configure(last int, rest map[int]string) {
	text := fmt.Sprintf(`[node]
id = 1
listen = ""
[loop]
tick_interval = "50ms"
[locality]
degraded_for = "500ms"
recover_after = "1s"
[plugins]
dir = %q
[[plugin]]
name = "health-tcp"
[plugin.config]
interval = "100ms"
[[plugin]]
name = "locality-icmp"
[plugin.config]
interval = "200ms"
timeout = "300ms"
`, filepath.Join(bin, "plugins"))
	for n := 2; n <= last; n++ {
		text += fmt.Sprintf("[[peer]]\nid = %d\naddress = \"10.77.0.%d\"\n%s\n", n, n, rest[n])
	}
	l.write(text)
}

func state(s *meshosv1.Snapshot, peer uint64) meshosv1.EchoView_State {
	for _, p := range s.GetPeers() {
		if p.GetPeer() == peer {
			return p.GetEchoes().GetState()
		}
	}
	return 0
}

func avoids(s *meshosv1.Snapshot, peer uint64) string {
	for _, a := range s.GetAvoidList() {
		if a.GetPeer() == peer {
			return a.GetReason()
		}
	}
	return ""
}

// slowOrLosing reports whether a peer is avoided for its echoes. On a machine that stands still now
// and then answers that come late may first seem not to come at all, and an entry keeps its reason.
func slowOrLosing(s *meshosv1.Snapshot, peer uint64) bool {
	why := avoids(s, peer)
	return strings.HasPrefix(why, "rtt ") || strings.Contains(why, "echoes were not answered in time")
}

// A peer that is slower than the timeout was "unknown" and thus better than a slow one, and
// one that was gone kept its place.
func TestB26_NoAnswerIsAFact(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	inLab(t, func(t *testing.T, l *lab) {
		up := listen(t)
		l.configure(6, map[int]string{4: fmt.Sprintf("health = %q\n", up.Addr())})
		l.takes(map[int]time.Duration{2: ms, 3: 700 * ms, 5: ms, 6: ms})
		l.start()
		l.until("3 alone is slow although its answers are late, and 4 silent", func(s *meshosv1.Snapshot) bool {
			return slowOrLosing(s, 3) && avoids(s, 4)+avoids(s, 2) == "" && peer(s, 3).GetRtt().AsDuration() >= 700*ms && state(s, 4) == meshosv1.EchoView_STATE_SILENT && state(s, 2) == meshosv1.EchoView_STATE_ANSWERS
		})
		for command, want := range map[string]string{
			"status --peer 4": "does not answer echoes", "status --peer 3": "late", "explain peer 4": "never did, but its health checks",
			"explain peer 3": "late", "status": "slow or losing echoes",
		} {
			if out := l.must(strings.Fields(command)...); !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", command, want, out)
			} else {
				t.Logf("%s\n%s", command, out)
			}
		}

		l.takes(map[int]time.Duration{2: ms, 3: 700 * ms, 6: ms})
		l.until("5 is lost and avoided", func(s *meshosv1.Snapshot) bool {
			return state(s, 5) == meshosv1.EchoView_STATE_LOST && (slowOrLosing(s, 5) || strings.HasPrefix(avoids(s, 5), "lost: no answer in "))
		})
		if out := l.must("status"); !strings.Contains(out, "lost since") || !strings.Contains(out, "timed out") {
			t.Errorf("status does not say so:\n%s", out)
		}

		l.takes(map[int]time.Duration{2: ms, 3: ms, 5: ms, 6: ms})
		l.until("5 and 3 are let out long before their time", func(s *meshosv1.Snapshot) bool { return len(s.GetAvoidList()) == 0 })
		if out := l.must("logs"); !strings.Contains(out, "peer 5 has been well for 1s and is no longer avoided") {
			t.Errorf("the log does not say so:\n%s", out)
		}

		l.takes(map[int]time.Duration{2: ms})
		l.until("this node may be cut off", func(s *meshosv1.Snapshot) bool {
			c := s.GetCutOff()
			return c.GetLost() == 3 && c.GetPeers() == 5
		})
		if out := l.must("status"); !strings.HasPrefix(out, "This node may be the one that is cut off: 3 of 5 peers were lost within 10s") {
			t.Errorf("status does not say so first:\n%s", out)
		} else {
			t.Log(out)
		}
		t.Log(l.must("explain", "peer", "5"))

		// What this node can't send says nothing about its peers.
		l.takes(map[int]time.Duration{2: ms, 3: ms, 5: ms, 6: ms})
		l.until("all are back", func(s *meshosv1.Snapshot) bool { return s.GetCutOff() == nil && len(s.GetAvoidList()) == 0 })
		l.link.Down(t)
		snap := l.until("nothing is sent", func(s *meshosv1.Snapshot) bool {
			for _, p := range s.GetPeers() {
				if p.GetPeer() != 1 && p.GetEchoes().GetNoAnswer() != meshosv1.NoAnswer_NO_ANSWER_NOT_SENT {
					return false
				}
			}
			return true
		})
		if len(snap.GetAvoidList()) > 0 || snap.GetCutOff() != nil {
			t.Errorf("avoided although nothing was sent: %v, %v", snap.GetAvoidList(), snap.GetCutOff())
		}
		if out := l.must("status"); !strings.HasPrefix(out, "No echoes can be sent to 5 of 5 peers (network is unreachable)") {
			t.Errorf("status does not say so:\n%s", out)
		}
	})
}
