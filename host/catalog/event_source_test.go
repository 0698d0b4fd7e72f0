package catalog_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/internal/testkit"
)

func source(t *testing.T, r *rig) *catalog.EventSource {
	t.Helper()
	s, err := r.EventSource("sdkplugin")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// collected is the numbers of the lines that were taken.
type collected []string

// take takes events as the loop does: none once its context has ended.
func (c *collected) take(ctx context.Context, events []answers.Event) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, e := range events {
		*c = append(*c, strings.TrimRight(e.Event.(mesh.LogLine).Message, "x"))
	}
	return nil
}

func TestEventSourceStreamsToItsEnd(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, map[string]any{"events": 5, "then": "end"})
	var got collected
	if err := source(t, r).Stream(t.Context(), got.take); err != nil || strings.Join(got, " ") != "1 2 3 4 5" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEventSourceThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, map[string]any{"events": 1, "then": "fail"})
	var got collected
	err := source(t, r).Stream(t.Context(), got.take)
	if !errors.Is(err, catalog.ErrFailed) || err.Error() != "plugin sdkplugin: EventSource.Events: failed: lost the sensor" || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEventSourceEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, map[string]any{"events": 2})
	ctx, cancel := context.WithCancel(t.Context())
	err := source(t, r).Stream(ctx, func(context.Context, []answers.Event) error {
		cancel()
		return nil
	})
	if err == nil {
		t.Error("ended without an error")
	}
	full := errors.New("full")
	if err := source(t, r).Stream(t.Context(), func(context.Context, []answers.Event) error { return full }); err != full { //nolint:errorlint // as it is
		t.Errorf("the taker's error became %v", err)
	}
}

// A host that takes no events holds up the plugin: only so many are in flight.
func TestEventSourceIsHeldUpByItsTaker(t *testing.T) {
	t.Parallel()
	const batches, size = 400, 100 << 10 // 80 MiB in all
	r := startSDKPlugin(t, map[string]any{"events": 2 * batches, "size": size, "then": "end"})
	sent := func() int { return len(strings.Split(strings.Join(r.lines(&r.logs), "\n"), "sent through")) - 1 }
	var got collected
	first := true
	err := source(t, r).Stream(t.Context(), func(ctx context.Context, events []answers.Event) error {
		if first {
			first = false
			before := -1
			for now := sent(); now != before; now = sent() { // until it does not grow any more
				before = now
				r.pause(200 * time.Millisecond)
			}
			if before >= batches/2 {
				t.Errorf("%d batches of %d were sent although none was taken", before, batches)
			}
		}
		return got.take(ctx, events)
	})
	if err != nil || len(got) != 2*batches {
		t.Errorf("got %d of %d: %v", len(got), 2*batches, err)
	}
}

// What a process sent before it was killed is still read, although it is taken later.
func TestEventsArriveAfterTheDeathOfTheirSource(t *testing.T) {
	t.Parallel()
	r := startSDKPlugin(t, map[string]any{"events": 6})
	s := source(t, r)
	renewed := s.Renewed()
	var got collected
	err := s.Stream(t.Context(), func(ctx context.Context, events []answers.Event) error {
		if len(got) == 0 {
			r.until("all is sent", r.contains(&r.logs, "sent through=6"))
			// An answer that was written later has arrived, so all events have.
			if _, err := dispatch(t, r, ctx, 1); err != nil {
				t.Error(err)
			}
			pid := r.view("sdkplugin").PID
			kill(t, pid, syscall.SIGKILL)
			r.until("its death is noticed", func() bool { return r.view("sdkplugin").Status != snapshot.PluginReady })
			r.pause(200 * time.Millisecond) // now what belonged to it is being freed
		}
		return got.take(ctx, events)
	})
	if !errors.Is(err, catalog.ErrUnavailable) || !strings.Contains(err.Error(), "it ended during the call") {
		t.Errorf("ended with %v", err)
	}
	if strings.Join(got, " ") != "1 2 3 4 5 6" {
		t.Errorf("got %v", got)
	}
	<-renewed
	r.waitFor("sdkplugin", snapshot.PluginReady)
	renewed = s.Renewed()
	if err := r.Reconfigure(t.Context(), "sdkplugin", map[string]any{"events": 1, "then": "end"}); err != nil {
		t.Fatal(err)
	}
	<-renewed
	var again collected
	if err := s.Stream(t.Context(), again.take); err != nil || len(again) != 1 {
		t.Errorf("after a restart and another configuration: %v, %v", again, err)
	}
}

// What a source says of the round-trip time or the health of a node counts if the node is
// a peer, as in the answer of a probe.
func TestEventsOfUnknownPeersAreDiscarded(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "unknown-peers")})
	r.waitFor("p", snapshot.PluginReady)
	s, err := r.EventSource("p")
	if err != nil {
		t.Fatal(err)
	}
	var got []answers.Event
	err = s.Stream(t.Context(), func(_ context.Context, events []answers.Event) error {
		got = append(got, events...)
		return nil
	})
	if err != nil || len(got) != 2 || got[0].Event != (mesh.HealthSample{Peer: 2, Health: mesh.HealthHealthy}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if v := r.lines(&r.failures); len(v) != 1 || !strings.Contains(v[0], "unknown peer (peer 99); reported once") {
		t.Errorf("failures %q", v)
	}
}

// A plugin that floods the node with empty batches answers calls, and its stream can be ended.
func TestP5_AFloodOfEmptyBatchesHoldsUpNoCall(t *testing.T) {
	t.Parallel()
	r := start(t, []catalog.Entry{entry("p", "empty-batches", func(e *catalog.Entry) { e.Timeout = testkit.Patience })})
	r.waitFor("p", snapshot.PluginReady)
	s, err := r.EventSource("p")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Stream(ctx, func(context.Context, []answers.Event) error { return errors.New("an empty batch was taken") })
	}()
	r.until("more batches than may come at once", func() bool {
		samples, err := r.locality("p").SampleRTT(t.Context())
		if err != nil || len(samples.Samples) != 1 {
			t.Fatal(samples, err)
		}
		return samples.Samples[0].RTT > 10_000
	})
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "cancel") {
		t.Errorf("ended with %v", err)
	}
}
