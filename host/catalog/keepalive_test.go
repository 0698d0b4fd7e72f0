package catalog_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

// A plugin that hangs is found although nobody calls it: the scorer of a node that leads
// no chain, a sink that no event is for.
func TestStoppedPluginThatNobodyCallsIsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Timeout = 5 * time.Second })},
		func(o *catalog.Options) { o.KeepaliveEvery, o.HangTimeout = 50*time.Millisecond, 200*time.Millisecond })
	before := r.waitFor("p", snapshot.PluginReady)
	freeze(t, before.PID)
	r.until("it is replaced", func() bool {
		v := r.view("p")
		return v.PID != before.PID && v.Status == snapshot.PluginReady
	})
	r.until("it is reported", r.contains(&r.failures, "p: call: it hung: Health.Check has not answered in time"))
	if v := r.view("p"); v.Calls != 0 || v.Failures != 0 || len(r.lines(&r.observed)) != 0 {
		t.Errorf("keepalives count as calls: %+v", v)
	}
}

func TestStoppedEventSourceIsReplaced(t *testing.T) {
	t.Parallel()
	path, err := buildSDKPlugin()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, []catalog.Entry{{
		Name: "sdkplugin", Path: path, Enabled: true, Timeout: 5 * time.Second,
		Kinds: []string{catalog.KindEventSource}, Config: map[string]any{"events": 2},
	}}, func(o *catalog.Options) { o.KeepaliveEvery, o.HangTimeout = 50*time.Millisecond, 2*time.Second })
	before := r.waitFor("sdkplugin", snapshot.PluginReady)
	var got collected
	broke := make(chan error, 1)
	first := make(chan struct{})
	firstOnce := sync.OnceFunc(func() { close(first) })
	go func() {
		broke <- source(t, r).Stream(context.Background(), func(ctx context.Context, events []answers.Event) error {
			firstOnce()
			return got.take(ctx, events)
		})
	}()
	<-first
	freeze(t, before.PID)
	if err := <-broke; err == nil || !strings.Contains(err.Error(), "it ended during the call") {
		t.Errorf("the stream ended with %v", err)
	}
	r.until("it is replaced", func() bool { return r.view("sdkplugin").PID != before.PID })
}

// A plugin that is slow to answer gets no keepalives meanwhile.
func TestPluginAtWorkGetsNoKeepalives(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "slow-once", func(e *catalog.Entry) { e.Timeout = testkit.Patience })},
		func(o *catalog.Options) { o.KeepaliveEvery = 20 * time.Millisecond })
	r.waitFor("p", snapshot.PluginReady)
	if _, err := r.locality("p").SampleRTT(t.Context()); err != nil {
		t.Error(err)
	}
	if v := r.view("p"); v.Status != snapshot.PluginReady || v.Calls != 1 {
		t.Errorf("view %+v", v)
	}
	const said = "keepalives at work"
	r.until("it logs how many it got", r.contains(&r.logs, said))
	for _, line := range r.lines(&r.logs) {
		if strings.Contains(line, said) && !strings.Contains(line, "got 0 ") && !strings.Contains(line, "got 1 ") { // one may have been in flight
			t.Error(line)
		}
	}
}
