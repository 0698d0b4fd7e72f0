package e2e

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// many orders chain 7 to have each number of replicas from first on, and returns the last.
func many(ctx context.Context, host hostv1.HostClient, first, n uint32) (uint32, error) {
	request := &hostv1.PublishRequest{}
	for i := range n {
		request.Events = append(request.Events, &meshosv1.Event{Kind: &meshosv1.Event_PlacementIntent{
			PlacementIntent: &meshosv1.PlacementIntent{Chain: 7, DesiredReplicas: first + i},
		}})
	}
	_, err := host.Publish(ctx, request)
	return first + n - 1, err
}

// The ordered log is bounded, loses nothing when the node is killed while it is cut, and is
// valid to the last byte.
func TestP2_B25_TheOrderedLogIsCutAndSurvivesKills(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(quick + "[[chain]]\nid = 7\n")
	answered, sent := uint32(0), uint32(0)
	desired := func(s *meshosv1.Snapshot) uint32 {
		for _, r := range s.GetReplicas() {
			return r.GetDesired()
		}
		return 0
	}
	for life := range 6 {
		n.again()
		s := n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 })
		if got := desired(s); got < answered || got > sent {
			t.Fatalf("life %d: %d are desired; %d were ordered and answered, %d sent", life, got, answered, sent)
		}
		answered = desired(s)
		killer := time.AfterFunc(time.Hour, func() { _ = n.cmd.Process.Kill() })
		for batch := 0; ; batch++ {
			if batch == 10 {
				killer.Reset(rand.N(30 * time.Millisecond))
			}
			sent = answered + 500
			call, cancel := context.WithTimeout(t.Context(), patience)
			last, err := many(call, n.host, answered+1, 500)
			cancel()
			if err != nil {
				break
			}
			answered = last
		}
		<-n.exited
	}
	n.again()
	n.until("some ticks", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 10 })
	testkit.Until(t, "files to be dropped", func() bool {
		files, _ := filepath.Glob(filepath.Join(n.dir, "var", "ordered", "*.rec"))
		return len(files) <= 2
	})
	out := n.must("audit", "verify")
	if !strings.Contains(out, "\nordered  good: ") || !strings.Contains(out, ", from number ") {
		t.Errorf("verify says:\n%s", out)
	}
	for line := range strings.Lines(n.must("failures")) {
		// A kill may come between the creation of a file and its first record.
		if strings.Contains(line, "ordered") && !strings.Contains(line, "the file held no record and is removed") {
			t.Errorf("failures: %s", line)
		}
	}
	t.Logf("%d orders", answered)
}
