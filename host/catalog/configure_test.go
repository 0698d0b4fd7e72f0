package catalog_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestReconfigureKeepsTheOldWhenRefused(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "")})
	pid := r.waitFor("testplugin", snapshot.PluginReady).PID
	err := r.Reconfigure(context.Background(), "testplugin", map[string]any{"reject": "interval: must be above 0"})
	if err == nil || err.Error() != `plugin testplugin: configure: it refuses its configuration: interval: must be above 0; correct [plugin.config] in its entry in meshos.toml` {
		t.Errorf("refused with: %v", err)
	}
	if err := r.Reconfigure(context.Background(), "testplugin", map[string]any{"fine": true}); err != nil {
		t.Error(err)
	}
	if v := r.view("testplugin"); v.Status != snapshot.PluginReady || v.PID != pid {
		t.Errorf("view %+v", v)
	}
	if missing := (*catalog.NotConfiguredError)(nil); !errors.As(r.Reconfigure(context.Background(), "x", nil), &missing) {
		t.Error("a plugin that is not configured was configured")
	}
}

func TestReconfigureReleasesARejectedPlugin(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Config = map[string]any{"reject": "no"} })})
	r.waitFor("testplugin", snapshot.PluginRejected)
	if err := r.Reconfigure(context.Background(), "testplugin", nil); err != nil {
		t.Fatal(err)
	}
	r.waitFor("testplugin", snapshot.PluginReady)
}

// A change that is made while a plugin takes its configuration reaches the plugin too.
func TestChangesDuringTheStartReachThePlugin(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) {
		e.Timeout, e.Config = testkit.Patience, map[string]any{"say": "wait"}
	})})
	r.until("it takes its configuration", r.contains(&r.logs, "configured to say wait"))
	if err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "newer"}); err != nil {
		t.Error(err)
	}
	if err := r.SetPeers(t.Context(), []*pluginv1.Peer{{Id: 9}}); err != nil {
		t.Error(err)
	}
	kill(t, r.view("p").PID, syscall.SIGUSR1)
	r.waitFor("p", snapshot.PluginReady)
	r.until("it has the newer one", r.contains(&r.logs, "configured to say newer"))
	if got, err := r.locality("p").SampleRTT(t.Context()); err != nil || len(got.Samples) != 1 || got.Samples[0].Peer != 9 {
		t.Errorf("samples %v, %v", got, err)
	}
}

// A constructor that hangs on a configuration would block every later configuration.
func TestPluginThatHangsOnAConfigurationIsReplacedWithTheOldOne(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) {
		e.Timeout, e.Config = 5*time.Second, map[string]any{"say": "old"}
	})}, func(o *catalog.Options) { o.HangTimeout = 100 * time.Millisecond })
	before := r.waitFor("p", snapshot.PluginReady)
	err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "wait"})
	if want := "plugin p: configure: no answer within 5s; see what it waits for, or raise timeout in its entry in meshos.toml"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	r.until("it is replaced", func() bool {
		v := r.view("p")
		return v.PID != before.PID && v.Status == snapshot.PluginReady
	})
	r.until("it is reported", r.contains(&r.failures, "p: call: it hung: Plugin.Configure has not answered in time"))
	if n := strings.Count(strings.Join(r.lines(&r.logs), "\n"), "configured to say old"); n < 2 {
		t.Errorf("it had the old configuration %d times, want 2 at least", n)
	}
	if err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "new"}); err != nil {
		t.Error(err)
	}
}
