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
	r := start(t, []catalog.Entry{entry("testplugin", "")})
	v := r.waitFor("testplugin", snapshot.PluginReady)
	if v.Version != "1.2.3" || v.PID == 0 || len(v.SHA256) != 64 || len(v.Kinds) != 7 || v.Message != "" {
		t.Errorf("view %+v", v)
	}
	ctx := context.Background()
	rtt, err := r.locality("testplugin").SampleRTT(ctx)
	if want := []mesh.RTTSample{{Peer: 2, RTT: time.Millisecond}, {Peer: 3, RTT: time.Millisecond}, {Peer: 4, RTT: time.Millisecond}}; err != nil || !cmp.Equal(rtt, want) {
		t.Errorf("rtt %v, %v", rtt, err)
	}
	healthProbe, err := r.HealthProbe("testplugin")
	if err != nil {
		t.Fatal(err)
	}
	health, err := healthProbe.SampleHealth(ctx)
	if want := []mesh.HealthSample{{Peer: 2, Health: mesh.HealthHealthy}, {Peer: 3, Health: mesh.HealthDegraded}, {Peer: 4, Health: mesh.HealthUnreachable}}; err != nil || !cmp.Equal(health, want) {
		t.Errorf("health %v, %v", health, err)
	}
	inventoryProbe, err := r.InventoryProbe("testplugin")
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := inventoryProbe.SampleInventory(ctx)
	if err != nil || len(inventory) != 1 || inventory[0].Node != 1 || *inventory[0].CPULoad1m != 1.5 {
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
	r.until("testplugin chain_appender,health_probe,inventory_probe,locality_probe,migration_aborter,migration_source,placement_scorer", r.contains(&r.serving, "testplugin chain_appender,health_probe,inventory_probe,locality_probe,migration_aborter,migration_source,placement_scorer"))
	r.until("testplugin LocalityProbe.SampleRtt <nil>", r.contains(&r.observed, "testplugin LocalityProbe.SampleRtt <nil>"))
	r.until("it serves kinds that this host does not know: time_machine", r.contains(&r.logs, "it serves kinds that this host does not know: time_machine"))
}

func TestAbortErrors(t *testing.T) {
	r := start(t, []catalog.Entry{entry("testplugin", "")})
	r.waitFor("testplugin", snapshot.PluginReady)
	for _, c := range []struct {
		migration mesh.MigrationID
		want      error
		text      string
	}{
		{1, nil, ""},
		{404, nil, ""},
		{409, catalog.ErrFailedPrecondition, "plugin testplugin: MigrationAborter.Abort: failed precondition: past the point of no return"},
		{503, catalog.ErrUnavailable, "plugin testplugin: MigrationAborter.Abort: unavailable: orchestrator is away"},
	} {
		err := r.Aborter().Abort(context.Background(), c.migration, "test")
		if !errors.Is(err, c.want) || err != nil && err.Error() != c.text {
			t.Errorf("migration %d: %v", c.migration, err)
		}
	}
	if v := r.view("testplugin"); v.Failures != 2 {
		t.Errorf("%d failures; a migration that does not exist is not one", v.Failures)
	}
}

func TestDirectoriesArePrivate(t *testing.T) {
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
		"MODE", "GIVEN", "MESHOS_PLUGIN", "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT", "PLUGIN_PROTOCOL_VERSIONS",
		"PLUGIN_CLIENT_CERT", "PLUGIN_UNIX_SOCKET_DIR", "MESHOS_LIFELINE_FD",
	}
	if d := cmp.Diff(want, keys); d != "" {
		t.Error(d)
	}
}

// How long the start takes depends on the machine. The catalog waits at most a fifth of a
// second before it.
func TestKilledPluginIsBackWithinASecond(t *testing.T) {
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

func TestStoppedPluginDelaysNobodyAndIsReplaced(t *testing.T) {
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Timeout = 2 * time.Second })},
		func(o *catalog.Options) { o.HangTimeout = 300 * time.Millisecond })
	before := r.waitFor("testplugin", snapshot.PluginReady)
	probe := r.locality("testplugin")
	freeze(t, before.PID)

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := probe.SampleRTT(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call of a stopped plugin: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the caller was held for %v", took)
	}
	if _, err := probe.SampleRTT(context.Background()); !errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("second call: %v", err)
	}
	r.waitFor("testplugin", snapshot.PluginLagging)
	began = time.Now()
	_, err := probe.SampleRTT(context.Background())
	if notReady := (*catalog.NotReadyError)(nil); !errors.As(err, &notReady) || notReady.Status != "lagging" {
		t.Errorf("call while lagging: %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the refusal took %v", took)
	}
	r.until("it is replaced", func() bool {
		v := r.view("testplugin")
		return v.Status == snapshot.PluginReady && v.PID != before.PID
	})
	r.until("5 testplugin: SIGABRT: abort", r.contains(&r.logs, "5 testplugin: SIGABRT: abort"))
	r.until("call: it hung: LocalityProbe.SampleRtt has not answered in time", r.contains(&r.failures, "call: it hung: LocalityProbe.SampleRtt has not answered in time"))
}

func TestDeadlockedCallIsAborted(t *testing.T) {
	r := start(t, []catalog.Entry{entry("testplugin", "deadlock", func(e *catalog.Entry) { e.Timeout = time.Second })},
		func(o *catalog.Options) { o.HangTimeout = 100 * time.Millisecond })
	before := r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := r.locality("testplugin").SampleRTT(context.Background()); err == nil ||
		err.Error() != "plugin testplugin: LocalityProbe.SampleRtt: deadline exceeded: no answer within 1s; see what it waits for, or set timeout in its entry in meshos.toml" {
		t.Errorf("call: %v", err)
	}
	r.until("it is replaced", func() bool { v := r.view("testplugin"); return v.PID != before.PID && v.Status == snapshot.PluginReady })
	r.until("main.(*server).SampleRtt", r.contains(&r.logs, "main.(*server).SampleRtt"))
}

func TestLateAnswerMakesItReadyAgain(t *testing.T) {
	r := start(t, []catalog.Entry{entry("testplugin", "slow-once", func(e *catalog.Entry) { e.Timeout = 250 * time.Millisecond })})
	before := r.waitFor("testplugin", snapshot.PluginReady)
	probe := r.locality("testplugin")
	if _, err := probe.SampleRTT(context.Background()); !errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("slow call: %v", err)
	}
	r.waitFor("testplugin", snapshot.PluginLagging)
	r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := probe.SampleRTT(context.Background()); err != nil {
		t.Errorf("call after it: %v", err)
	}
	if v := r.view("testplugin"); v.PID != before.PID || v.Restarts != 0 || v.Failures != 1 || v.Calls != 2 {
		t.Errorf("view %+v", v)
	}
}

func TestExitInACallIsUnavailable(t *testing.T) {
	r := start(t, []catalog.Entry{entry("testplugin", "exit-in-call")})
	r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := r.locality("testplugin").SampleRTT(context.Background()); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("call: %v", err)
	}
	r.until("the exit is a failure", r.contains(&r.failures, "run: it ended unexpectedly: exit status 5"))
}

func TestShutdownEndsEvenWhoIgnoresTERM(t *testing.T) {
	r := start(t, []catalog.Entry{entry("good", ""), entry("deaf", "ignore-term"), entry("stopped", "")})
	var pids []int
	for _, name := range []string{"good", "deaf", "stopped"} {
		pids = append(pids, r.waitFor(name, snapshot.PluginReady).PID)
	}
	freeze(t, pids[2])
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*time.Second { // 3 s are promised
		t.Errorf("took %v", took)
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
