package catalog_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// go-plugin's broker starts a goroutine for every message that comes by its stream: a
// plugin that floods it costs nothing, since the host does not open that stream.
func TestP5_ThePluginsBrokerIsNotUsed(t *testing.T) {
	before := runtime.NumGoroutine()
	r := start(t, []catalog.Entry{entry("evil", "broker-flood")})
	r.waitFor("evil", snapshot.PluginReady)
	r.until("go-plugin opened its streams", r.contains(&r.logs, "the host opened"))
	r.pause(300 * time.Millisecond)
	if _, err := r.locality("evil").SampleRTT(t.Context()); err != nil {
		t.Error(err)
	}
	for _, line := range r.lines(&r.logs) {
		if strings.Contains(line, "the host opened") && !strings.Contains(line, "GRPCStdio") {
			t.Errorf("it says: %s", line)
		}
	}
	if now := runtime.NumGoroutine(); now > before+100 {
		t.Errorf("%d goroutines, %d before the plugin", now, before)
	}
}

// A plugin that floods the stream of what it prints answers calls as any other does.
func TestP5_AFloodOfFramesHoldsUpNoCall(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("evil", "stdio-flood", func(e *catalog.Entry) { e.Timeout = testkit.Patience })})
	r.waitFor("evil", snapshot.PluginReady)
	r.until("more frames than may come at once", func() bool {
		samples, err := r.locality("evil").SampleRTT(t.Context())
		if err != nil || len(samples.Samples) != 1 {
			t.Fatal(samples, err)
		}
		return samples.Samples[0].RTT > 8192
	})
}
