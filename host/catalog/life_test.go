package catalog_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestGoodPluginServesEveryKind(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "")})
	v := r.waitFor("testplugin", snapshot.PluginReady)
	if v.Version != "1.2.3" || v.PID == 0 || len(r.sum("testplugin")) != 64 || len(v.Kinds) != 6 || v.Message != "" {
		t.Errorf("view %+v", v)
	}
	ctx := context.Background()
	rtt, err := r.locality("testplugin").SampleRTT(ctx)
	if want := []mesh.RTTSample{{Peer: 2, RTT: time.Millisecond}, {Peer: 3, RTT: time.Millisecond}, {Peer: 4, RTT: time.Millisecond}}; err != nil || !cmp.Equal(rtt.Samples, want) {
		t.Errorf("rtt %v, %v", rtt, err)
	}
	healthProbe, err := r.HealthProbe("testplugin")
	if err != nil {
		t.Fatal(err)
	}
	health, err := healthProbe.SampleHealth(ctx)
	if want := []mesh.HealthSample{{Peer: 2, Health: mesh.HealthHealthy}, {Peer: 3, Health: mesh.HealthDegraded}, {Peer: 4, Health: mesh.HealthUnreachable}}; err != nil || !cmp.Equal(health.Samples, want) {
		t.Errorf("health %v, %v", health, err)
	}
	inventoryProbe, err := r.InventoryProbe("testplugin")
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := inventoryProbe.SampleInventory(ctx)
	if err != nil || len(inventory.Samples) != 1 || inventory.Samples[0].Node != 1 || *inventory.Samples[0].CPULoad1m != 1.5 {
		t.Errorf("inventory %v, %v", inventory, err)
	}
	migrations, err := r.MigrationSource().ListMigrations(ctx)
	if err != nil || len(migrations) != 1 || migrations[0].ID != 7 {
		t.Errorf("migrations %v, %v", migrations, err)
	}
	table, err := r.Scorer().Score(ctx, &pluginv1.ScoreRequest{ViewVersion: 5})
	if err != nil || table.GetViewVersion() != 5 || len(table.Chains[0].Holders) != 1 {
		t.Errorf("scores %v, %v", table, err)
	}
	appender, err := r.Appender("testplugin")
	if err != nil {
		t.Fatal(err)
	}
	if err := appender.Append(ctx, []*meshosv1.Record{{}}); err != nil {
		t.Errorf("append: %v", err)
	}
	if err := appender.Append(ctx, nil); !errors.Is(err, catalog.ErrInvalidArgument) {
		t.Errorf("append of nothing: %v", err)
	}
	if v := r.view("testplugin"); v.Calls != 7 || v.Failures != 1 || v.LastCall <= 0 {
		t.Errorf("counted %+v", v)
	}
	r.until("testplugin health_probe,inventory_probe,locality_probe,migration_aborter,migration_source,placement_scorer", r.contains(&r.serving, "testplugin health_probe,inventory_probe,locality_probe,migration_aborter,migration_source,placement_scorer"))
	r.until("testplugin LocalityProbe.SampleRtt <nil>", r.contains(&r.observed, "testplugin LocalityProbe.SampleRtt <nil>"))
	r.until("it serves kinds that this host does not know: time_machine", r.contains(&r.logs, "it serves kinds that this host does not know: time_machine"))
}

func TestDirectoriesArePrivate(t *testing.T) {
	t.Parallel()
	var data string
	r := start(t, []catalog.Entry{entry("testplugin", "")}, func(o *catalog.Options) { data = o.DataDir })
	r.waitFor("testplugin", snapshot.PluginReady)
	sockets, _ := filepath.Glob(r.runDir + "/*")
	if len(sockets) != 1 {
		t.Fatalf("socket directories %v", sockets)
	}
	own := filepath.Join(data, "plugins", "testplugin")
	for _, dir := range []string{sockets[0], own} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	if mark, err := os.ReadFile(filepath.Join(own, "mark")); string(mark) != "test" {
		t.Errorf("the plugin wrote %q, %v", mark, err)
	}
}

func TestPluginGetsOnlyTheEnvironmentOfItsEntry(t *testing.T) {
	t.Setenv("HOST_SECRET", "1")
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Env = append(e.Env, "GIVEN=1") })})
	pid := r.waitFor("testplugin", snapshot.PluginReady).PID
	environ, err := os.ReadFile("/proc/" + itoa(pid) + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, kv := range strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00") {
		key, _, _ := strings.Cut(kv, "=")
		keys = append(keys, key)
	}
	want := []string{
		"MODE", "GIVEN", "PLUGIN_CLIENT_CERT", "MESHOS_PLUGIN", "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS",
		"PLUGIN_UNIX_SOCKET_DIR", "MESHOS_LIFELINE_FD", "MESHOS_RUN",
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Error(d)
	}
}

// How long the start takes depends on the machine. The catalog waits at most a fifth of a
// second before it.
func TestKilledPluginIsBackWithinASecond(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "")}, func(o *catalog.Options) { o.Rand = func() float64 { return 1 } })
	probe := r.locality("testplugin")
	before := r.waitFor("testplugin", snapshot.PluginReady)
	kill(t, before.PID, syscall.SIGKILL)
	r.until("it is back", func() bool {
		v := r.view("testplugin")
		return v.Status == snapshot.PluginReady && v.PID != before.PID
	})
	if v := r.view("testplugin"); v.Restarts != 1 {
		t.Errorf("%d restarts", v.Restarts)
	}
	const next = "signal: killed; see its last lines with \"meshos plugin describe testplugin\"; next try in 200ms"
	r.until(next, r.contains(&r.logs, next))
	r.until("testplugin: run: it ended unexpectedly: signal: killed", r.contains(&r.failures, "testplugin: run: it ended unexpectedly: signal: killed"))
	if _, err := probe.SampleRTT(context.Background()); err != nil {
		t.Errorf("the adapter did not outlive the process: %v", err)
	}
	detail, err := r.Describe("testplugin")
	if err != nil || detail.GetLastExit() != "signal: killed" || len(detail.GetTimeline()) < 9 {
		t.Errorf("detail %v, %v", detail, err)
	}
}

func TestShutdownEndsEvenWhoIgnoresTERM(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("good", ""), entry("deaf", "ignore-term"), entry("stopped", "")})
	var pids []int
	for _, name := range []string{"good", "deaf", "stopped"} {
		pids = append(pids, r.waitFor(name, snapshot.PluginReady).PID)
	}
	freeze(t, pids[2])
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		if !testkit.Ended(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := r.locality("good").SampleRTT(context.Background()); err == nil || err.Error() != "plugin good is stopping: the host is stopping it" {
		t.Errorf("call after the end: %v", err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
