package catalog_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestSetPeersReachesRunningPlugins(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "")})
	r.waitFor("testplugin", snapshot.PluginReady)
	if err := r.SetPeers(context.Background(), []*pluginv1.Peer{{Id: 9}}); err != nil {
		t.Fatal(err)
	}
	got, err := r.locality("testplugin").SampleRTT(context.Background())
	if err != nil || len(got.Samples) != 1 || got.Samples[0].Peer != 9 {
		t.Errorf("samples %v, %v", got, err)
	}
}

// A probe that could not be told the peers is told again.
func TestPeersThatAProbeMissedAreToldAgain(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "log-peers", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })})
	pid := r.waitFor("p", snapshot.PluginReady).PID
	freeze(t, pid)
	err := r.SetPeers(t.Context(), []*pluginv1.Peer{{Id: 9}})
	if want := "plugin p: peers: no answer within 5s"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	kill(t, pid, syscall.SIGCONT)
	// The plugin reads the call late. The host does not know whether it did, so it tells it
	// again.
	r.until("it is told again", func() bool {
		return strings.Count(strings.Join(r.lines(&r.logs), "\n"), "told of 1 peers") >= 2
	})
	r.until("it samples the new peer", func() bool {
		got, err := r.locality("p").SampleRTT(t.Context())
		return err == nil && len(got.Samples) == 1 && got.Samples[0].Peer == 9
	})
	if v := r.view("p"); v.PID != pid {
		t.Error("it was replaced for that")
	}
}
