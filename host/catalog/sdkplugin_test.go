package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// buildSDKPlugin builds internal/sdkplugin, once.
var buildSDKPlugin = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(testPlugin), "sdkplugin")
	out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "./internal/sdkplugin").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

// startSDKPlugin runs internal/sdkplugin until the test ends.
func startSDKPlugin(t *testing.T, config map[string]any, change ...func(*catalog.Entry)) *rig {
	t.Helper()
	path, err := buildSDKPlugin()
	if err != nil {
		t.Fatal(err)
	}
	e := catalog.Entry{Name: "sdkplugin", Path: path, Enabled: true, Config: config, Kinds: []string{
		catalog.KindActuator, catalog.KindControlSink, catalog.KindEventSource, catalog.KindRecoveryHandler,
	}}
	for _, c := range change {
		c(&e)
	}
	r := start(t, []catalog.Entry{e})
	r.waitFor("sdkplugin", snapshot.PluginReady)
	return r
}

func dispatch(t *testing.T, r *rig, ctx context.Context, chain mesh.ChainID) ([]answers.Event, error) {
	t.Helper()
	a, err := r.Actuator("sdkplugin")
	if err != nil {
		t.Fatal(err)
	}
	return a.Dispatch(ctx, 42, wire.ActionToProto(mesh.PullReplica{Chain: chain, Source: 2}, 0))
}

func TestActuatorEventsAreChecked(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, nil)
	got, err := dispatch(t, r, t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	want := []answers.Event{
		{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 1}},
		{Event: mesh.Shutdown{}}, // host/intake refuses it
		{Signed: &wire.Signed{Payload: []byte{1}}},
		{Event: mesh.LogLine{Level: mesh.LevelInfo, Message: "action 42 done"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := dispatch(t, r, t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	r.until("the discarded items are reported", r.contains(&r.failures, "malformed event (replica_update.holder: must not be 0)"))
	if reported := r.lines(&r.failures); len(reported) != 1 {
		t.Errorf("reported more than once: %q", reported)
	}
	if len(r.Actuators()) != 1 {
		t.Error("it is not known to be an actuator")
	}
}

func TestActuatorErrorsSayWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, nil)
	for _, c := range []struct {
		chain mesh.ChainID
		kind  error
		again time.Duration
		text  string
	}{
		{400, catalog.ErrInvalidArgument, 0, "plugin sdkplugin: Actuator.Dispatch: invalid argument: no such chain"},
		{502, catalog.ErrUnavailable, 0, "plugin sdkplugin: Actuator.Dispatch: unavailable: a gateway is away"},
		{503, catalog.ErrUnavailable, 2 * time.Second, "plugin sdkplugin: Actuator.Dispatch: unavailable: the mover is busy"},
	} {
		_, err := dispatch(t, r, t.Context(), c.chain)
		if !errors.Is(err, c.kind) || err.Error() != c.text {
			t.Errorf("chain %d: %v", c.chain, err)
		}
		var later interface{ RetryAfter() time.Duration }
		if !errors.As(err, &later) || later.RetryAfter() != c.again {
			t.Errorf("chain %d: %#v, want it again after %v", c.chain, err, c.again)
		}
	}
	kill(t, r.view("sdkplugin").PID, syscall.SIGKILL)
	r.until("it is not ready", func() bool { return r.view("sdkplugin").Status != snapshot.PluginReady })
	_, err := dispatch(t, r, t.Context(), 7)
	var away *catalog.NotReadyError
	if errors.As(err, &away) && away.RetryAfter() <= 0 {
		t.Errorf("an action that never arrived is not tried again: %v", err)
	}
}

// The deadline of an author's context is the time that the caller waits, less what an answer
// at the very end of it needs.
func TestTheTimeoutOfACallReachesTheAuthor(t *testing.T) {
	t.Parallel()
	const limit, forTheAnswer = 30 * time.Second, 250 * time.Millisecond
	has := func(err error) (left time.Duration) {
		t.Helper()
		var ms int64
		if err == nil {
			t.Fatal("no error")
		}
		if _, text, ok := strings.Cut(err.Error(), "it has "); ok {
			_, _ = fmt.Sscanf(text, "%d ms", &ms)
		}
		if !errors.Is(err, catalog.ErrFailed) || ms == 0 {
			t.Fatal(err)
		}
		return time.Duration(ms) * time.Millisecond
	}
	r := startSDKPlugin(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := dispatch(t, r, ctx, 9)
	if left := has(err); left > limit-forTheAnswer {
		t.Errorf("with the caller's deadline it has %v", left)
	}
	r = startSDKPlugin(t, nil, func(e *catalog.Entry) { e.Timeout = limit })
	_, err = dispatch(t, r, t.Context(), 9)
	if left := has(err); left > limit-forTheAnswer {
		t.Errorf("with the entry's timeout it has %v", left)
	}
}

func TestRecoveryHandler(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, nil)
	h, err := r.RecoveryHandler("sdkplugin")
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.Recover(t.Context(), []mesh.NodeID{2, 3, 5})
	if err != nil {
		t.Fatal(err)
	}
	want := []answers.Event{
		{Event: mesh.ReplicaUpdate{Change: mesh.ReplicaAdded, Chain: 7, Holder: 1}},
		{Signed: &wire.Signed{Payload: []byte{1}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.until("the slots are in the log", r.contains(&r.logs, "sdkplugin: recovered 3 slots: 0, 1, 2"))
	r.until("the malformed event is reported", r.contains(&r.failures, "replica_update.chain: must not be 0"))
}

func TestControlSink(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, nil)
	s, err := r.ControlSink("sdkplugin")
	if err != nil {
		t.Fatal(err)
	}
	renewed := s.Renewed()
	if err := s.Deliver(t.Context(), &pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_BackpressureOn{BackpressureOn: 0.75}}); err != nil {
		t.Fatal(err)
	}
	r.until("it got the event", r.contains(&r.logs, "ControlEvent_BackpressureOn level=0.75"))
	select {
	case <-renewed:
		t.Error("renewed without a reason")
	default:
	}
	kill(t, r.view("sdkplugin").PID, syscall.SIGKILL)
	r.until("the new process is noticed", func() bool {
		select {
		case <-renewed:
			return true
		default:
			return false
		}
	})
}
