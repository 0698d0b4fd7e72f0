package e2e

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// answering takes connections of a listener until it is closed.
func answering(t *testing.T, l net.Listener) net.Listener {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l
}

// saidOf returns how many lines of one kind the log of a node shows and counts.
func saidOf(s *meshosv1.Snapshot, kind string) (said int) {
	more := regexp.MustCompile("^" + kind + `: ([0-9,]+) more like this in 5s: refused: nobody listens `)
	for _, l := range s.GetLogs() {
		if m := more.FindStringSubmatch(l.GetMessage()); m != nil {
			n, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
			said += n
		} else if strings.HasPrefix(l.GetMessage(), kind+" ") {
			said++
		}
	}
	return said
}

// An uplink with 1,200 peers behind it flaps. The lines about that leave room for all others.
func TestAnUplinkThatFlapsDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	const peers = 1200
	uplink := answering(t, listen(t))
	address := uplink.Addr().String()
	var text strings.Builder
	fmt.Fprintf(&text, `[node]
id = 1
listen = ""
[plugins]
dir = %q
[[plugin]]
name = "health-tcp"
[plugin.config]
interval = "500ms"
failures = 1
successes = 1
degraded_after = "990ms"
`, filepath.Join(bin, "plugins"))
	for i := range peers {
		fmt.Fprintf(&text, "[[peer]]\nid = %d\nname = \"n%d\"\naddress = \"127.0.0.1\"\nhealth = %q\n", i+2, i+2, address)
	}
	n := prepare(t)
	n.write(text.String())
	n.start()
	all := func(health meshosv1.NodeHealth) func(*meshosv1.Snapshot) bool {
		return func(s *meshosv1.Snapshot) bool {
			for _, p := range s.GetPeers() {
				if p.GetHealth() != health {
					return false
				}
			}
			return len(s.GetPeers()) == peers
		}
	}
	for range 2 {
		n.until("all peers to be healthy", all(meshosv1.NodeHealth_NODE_HEALTH_HEALTHY))
		_ = uplink.Close()
		n.until("all peers to be unreachable", all(meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE))
		again, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		uplink = answering(t, again)
	}
	n.until("all peers to be healthy again", all(meshosv1.NodeHealth_NODE_HEALTH_HEALTHY))
	_ = uplink.Close()
	n.until("all peers to be unreachable again", all(meshosv1.NodeHealth_NODE_HEALTH_UNREACHABLE))
	s := n.until("all lines to be shown or counted", func(s *meshosv1.Snapshot) bool { return saidOf(s, "peer is unreachable") >= 3*peers })
	lines := 0
	for _, l := range s.GetLogs() {
		if strings.Contains(l.GetMessage(), "peer is ") {
			lines++
		}
	}
	if lines > 100 {
		t.Errorf("%d lines of %d are about the health of peers", lines, len(s.GetLogs()))
	}
	if !logged(s, "ready after") {
		t.Error("what was said before is gone")
	}
	n.end()
	if out := n.out.String(); !strings.Contains(out, ` peers are unreachable"`) || strings.Count(out, "unreachable") > 40 {
		t.Errorf("the node's own log names %d transitions one by one", strings.Count(out, "unreachable"))
	}
}
