package catalog_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// A plugin that hangs is found although nobody needs it just now: a scorer of a
// node that leads nothing, a sink that has nothing to hear.
func TestStoppedPluginThatNobodyCallsIsReplaced(t *testing.T) {
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) { e.Timeout = time.Second })},
		func(o *catalog.Options) { o.KeepaliveEvery, o.HangTimeout = 50*time.Millisecond, 200*time.Millisecond })
	before := r.is("p", snapshot.PluginReady)
	freeze(t, before.PID)
	r.until("it is replaced", func() bool {
		v := r.view("p")
		return v.PID != before.PID && v.Status == snapshot.PluginReady
	})
	r.until("it is said", r.says(&r.failures, "p: call: it hung: Health.Check has not answered in time"))
	if v := r.view("p"); v.Calls != 0 || v.Failures != 0 || len(r.told(&r.observed)) != 0 {
		t.Errorf("keepalives count as calls: %+v", v)
	}
}

func TestStoppedEventSourceIsReplaced(t *testing.T) {
	path, err := buildSeams()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, []catalog.Entry{{
		Name: "seams", Path: path, Enabled: true, Timeout: time.Second,
		Kinds: []string{catalog.KindEventSource}, Config: map[string]any{"events": 2},
	}}, func(o *catalog.Options) { o.KeepaliveEvery, o.HangTimeout = 50*time.Millisecond, 200*time.Millisecond })
	before := r.is("seams", snapshot.PluginReady)
	var got heard
	broke := make(chan error, 1)
	first := make(chan struct{})
	go func() {
		broke <- source(t, r).Stream(context.Background(), func(ctx context.Context, events []answers.Event) error {
			close(first)
			return got.take(ctx, events)
		})
	}()
	<-first
	freeze(t, before.PID)
	if err := <-broke; err == nil || !strings.Contains(err.Error(), "it ended during the call") {
		t.Errorf("the stream ended with %v", err)
	}
	r.until("it is replaced", func() bool { return r.view("seams").PID != before.PID })
}

// One that is slow to answer is asked for nothing else meanwhile.
func TestPluginAtWorkIsNotAskedForASignOfLife(t *testing.T) {
	r := start(t, []catalog.Entry{entry("p", "slow-once", func(e *catalog.Entry) { e.Timeout = 30 * time.Second })},
		func(o *catalog.Options) { o.KeepaliveEvery = 20 * time.Millisecond })
	r.is("p", snapshot.PluginReady)
	if _, err := r.locality("p").SampleRTT(t.Context()); err != nil {
		t.Error(err)
	}
	if v := r.view("p"); v.Status != snapshot.PluginReady || v.Calls != 1 {
		t.Errorf("view %+v", v)
	}
	const said = "signs of life at work"
	r.until("it says what it was asked", r.says(&r.logs, said))
	for _, line := range r.told(&r.logs) {
		if strings.Contains(line, said) && !strings.Contains(line, "for 0 ") && !strings.Contains(line, "for 1 ") { // one was perhaps on its way
			t.Error(line)
		}
	}
}

// What changes while a plugin takes its configuration reaches it all the same.
func TestChangesDuringTheStartReachThePlugin(t *testing.T) {
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) {
		e.Timeout, e.Config = 30*time.Second, map[string]any{"say": "wait"}
	})})
	r.until("it takes its configuration", r.says(&r.logs, "configured to say wait"))
	if err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "newer"}); err != nil {
		t.Error(err)
	}
	if err := r.SetPeers(t.Context(), []*pluginv1.Peer{{Id: 9}}); err != nil {
		t.Error(err)
	}
	kill(t, r.view("p").PID, syscall.SIGUSR1)
	r.is("p", snapshot.PluginReady)
	r.until("it has the newer one", r.says(&r.logs, "configured to say newer"))
	if got, err := r.locality("p").SampleRTT(t.Context()); err != nil || len(got) != 1 || got[0].Peer != 9 {
		t.Errorf("samples %v, %v", got, err)
	}
}

// A probe that could not be told its peers is told them when it can.
func TestPeersThatAProbeMissedAreToldAgain(t *testing.T) {
	r := start(t, []catalog.Entry{entry("p", "hears", func(e *catalog.Entry) { e.Timeout = time.Second })})
	pid := r.is("p", snapshot.PluginReady).PID
	freeze(t, pid)
	err := r.SetPeers(t.Context(), []*pluginv1.Peer{{Id: 9}})
	if want := "plugin p: peers: no answer within 1s"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	kill(t, pid, syscall.SIGCONT)
	// What it had not read yet it hears late. Whether it did is not known, so it is told again.
	r.until("it is told again", func() bool {
		return strings.Count(strings.Join(r.told(&r.logs), "\n"), "told of 1 peers") >= 2
	})
	r.until("it samples the new peer", func() bool {
		got, err := r.locality("p").SampleRTT(t.Context())
		return err == nil && len(got) == 1 && got[0].Peer == 9
	})
	if v := r.view("p"); v.PID != pid {
		t.Error("it was replaced for that")
	}
}

// A constructor that hangs on a new configuration would keep every later one out.
func TestPluginThatHangsOnAConfigurationIsReplacedWithTheOldOne(t *testing.T) {
	r := start(t, []catalog.Entry{entry("p", "", func(e *catalog.Entry) {
		e.Timeout, e.Config = time.Second, map[string]any{"say": "old"}
	})}, func(o *catalog.Options) { o.HangTimeout = 100 * time.Millisecond })
	before := r.is("p", snapshot.PluginReady)
	err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "wait"})
	if want := "plugin p: configure: no answer within 1s; see what it waits for, or raise timeout in its entry in meshos.toml"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	r.until("it is replaced", func() bool {
		v := r.view("p")
		return v.PID != before.PID && v.Status == snapshot.PluginReady
	})
	r.until("it is said", r.says(&r.failures, "p: call: it hung: Plugin.Configure has not answered in time"))
	if n := strings.Count(strings.Join(r.told(&r.logs), "\n"), "configured to say old"); n != 2 {
		t.Errorf("it had the old configuration %d times, want 2", n)
	}
	if err := r.Reconfigure(t.Context(), "p", map[string]any{"say": "new"}); err != nil {
		t.Error(err)
	}
}
