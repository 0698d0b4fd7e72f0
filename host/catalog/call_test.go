package catalog_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

func TestAbortErrors(t *testing.T) {
	t.Parallel()
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

// The end of the caller's own time is another error than that of the plugin's.
func TestAStoppedPluginDelaysNobody(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })},
		func(o *catalog.Options) { o.HangTimeout = time.Hour })
	probe := r.locality("testplugin")
	freeze(t, r.waitFor("testplugin", snapshot.PluginReady).PID)

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := probe.SampleRTT(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("call of a stopped plugin: %v", err)
	}
	if _, err := probe.SampleRTT(context.Background()); !errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("second call: %v", err)
	}
	r.waitFor("testplugin", snapshot.PluginLagging)
	_, err := probe.SampleRTT(context.Background())
	if notReady := (*catalog.NotReadyError)(nil); !errors.As(err, &notReady) || notReady.Status != "lagging" {
		t.Errorf("call while lagging: %v", err)
	}
}

func TestAStoppedPluginIsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })},
		func(o *catalog.Options) { o.HangTimeout = 300 * time.Millisecond })
	before := r.waitFor("testplugin", snapshot.PluginReady)
	freeze(t, before.PID)
	if _, err := r.locality("testplugin").SampleRTT(context.Background()); !errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("call of a stopped plugin: %v", err)
	}
	r.until("it is replaced", func() bool {
		v := r.view("testplugin")
		return v.Status == snapshot.PluginReady && v.PID != before.PID
	})
	r.until("5 testplugin: SIGABRT: abort", r.contains(&r.logs, "5 testplugin: SIGABRT: abort"))
	r.until("call: it hung: LocalityProbe.SampleRtt has not answered in time", r.contains(&r.failures, "call: it hung: LocalityProbe.SampleRtt has not answered in time"))
}

func TestDeadlockedCallIsAborted(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "deadlock", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })},
		func(o *catalog.Options) { o.HangTimeout = 100 * time.Millisecond })
	before := r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := r.locality("testplugin").SampleRTT(context.Background()); err == nil ||
		err.Error() != "plugin testplugin: LocalityProbe.SampleRtt: deadline exceeded: no answer within 5s; see what it waits for, or set timeout in its entry in meshos.toml, then run meshos reload" {
		t.Errorf("call: %v", err)
	}
	r.until("it is replaced", func() bool { v := r.view("testplugin"); return v.PID != before.PID && v.Status == snapshot.PluginReady })
	r.until("main.(*server).SampleRtt", r.contains(&r.logs, "main.(*server).SampleRtt"))
}

func TestLateAnswerMakesItReadyAgain(t *testing.T) {
	t.Parallel()
	const late = 10 * time.Second // the test waits for it once, and a well plugin answers within it
	r := start(t, []catalog.Entry{entry("testplugin", "", func(e *catalog.Entry) { e.Timeout = late })},
		func(o *catalog.Options) { o.HangTimeout = time.Hour })
	before := r.waitFor("testplugin", snapshot.PluginReady)
	probe := r.locality("testplugin")
	freeze(t, before.PID)
	if _, err := probe.SampleRTT(context.Background()); !errors.Is(err, catalog.ErrDeadline) {
		t.Errorf("slow call: %v", err)
	}
	r.waitFor("testplugin", snapshot.PluginLagging)
	kill(t, before.PID, syscall.SIGCONT)
	r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := probe.SampleRTT(context.Background()); err != nil {
		t.Errorf("call after it: %v", err)
	}
	if v := r.view("testplugin"); v.PID != before.PID || v.Restarts != 0 || v.Failures != 1 || v.Calls != 2 {
		t.Errorf("view %+v", v)
	}
}

func TestExitInACallIsUnavailable(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("testplugin", "exit-in-call")})
	r.waitFor("testplugin", snapshot.PluginReady)
	if _, err := r.locality("testplugin").SampleRTT(context.Background()); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("call: %v", err)
	}
	r.until("the exit is a failure", r.contains(&r.failures, "run: it ended unexpectedly: exit status 5"))
}
