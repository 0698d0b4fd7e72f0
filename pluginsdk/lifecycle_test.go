package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type named struct {
	Name string `json:"name"`
}

func TestRunLivesAsLongAsItsInstance(t *testing.T) {
	d := newDiary()
	construct := func(_ pluginsdk.Env, cfg named) (*probe, error) {
		d.add("new " + cfg.Name)
		return &probe{
			run: func(ctx context.Context) error {
				d.add("run " + cfg.Name)
				<-ctx.Done()
				d.add("ran " + cfg.Name)
				return ctx.Err()
			},
			close: func() error {
				d.add("close " + cfg.Name)
				return nil
			},
		}, nil
	}
	t.Run("plugin", func(t *testing.T) {
		plugin := plugintest.Start(t, construct, named{"a"})
		d.until(t, 2)
		if err := plugin.Reconfigure(named{"b"}); err != nil {
			t.Fatal(err)
		}
		d.until(t, 6)
	})
	// The old instance releases ports and files before the new one's Run starts. The
	// end of the plugin waits for the last instance.
	want := []string{"new a", "run a", "new b", "ran a", "close a", "run b", "ran b", "close b"}
	if diff := cmp.Diff(want, d.read()); diff != "" {
		t.Fatal(diff)
	}
}

func TestARunThatFailsMakesCallsFailUntilConfiguredAgain(t *testing.T) {
	d := newDiary()
	for _, c := range []struct {
		name string
		run  func(context.Context) error
		code codes.Code
		want string
	}{
		{"error", func(context.Context) error { return errors.New("the socket is gone") }, codes.Unknown, "the socket is gone"},
		{"panic", func(context.Context) error { panic("oh") }, codes.Internal, "panic in Run: oh (its stack is in the plugin's log)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs := c.run
			plugin := plugintest.Start(t, func(pluginsdk.Env, named) (*probe, error) {
				p := &probe{run: runs}
				runs = nil
				return p, nil
			}, named{}, plugintest.WithLogs(d))
			var err error
			for err == nil { // Run runs concurrently
				_, err = plugin.SampleRTT()
			}
			wantError(t, err, c.code, "the plugin's background work failed: "+c.want)
			if err := plugin.Reconfigure(named{}); err != nil {
				t.Fatal(err)
			}
			if _, err := plugin.SampleRTT(); err != nil {
				t.Fatalf("the new instance: %v", err)
			}
		})
	}
	if all := strings.Join(d.read(), ""); strings.Count(all, "the plugin's background work failed; every call") != 2 {
		t.Errorf("the log says %s", all)
	}
}

func TestRunningCallsFinishOnTheOldInstance(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	d := newDiary()
	plugin := plugintest.Start(t, func(_ pluginsdk.Env, cfg named) (*probe, error) {
		return &probe{
			sample: func(ctx context.Context, _ []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
				if cfg.Name == "new" {
					return []pluginsdk.RTTSample{{Peer: 2}}, nil
				}
				close(entered)
				<-leave
				return []pluginsdk.RTTSample{{Peer: 1}}, ctx.Err()
			},
			close: func() error {
				d.add("closed " + cfg.Name)
				return nil
			},
		}, nil
	}, named{"old"})
	type answer struct {
		samples []pluginsdk.RTTSample
		err     error
	}
	slow := make(chan answer, 1)
	go func() {
		samples, err := plugin.SampleRTT()
		slow <- answer{samples, err}
	}()
	receive(t, entered, "the slow call")
	if err := plugin.Reconfigure(named{"new"}); err != nil {
		t.Fatal(err)
	}
	if got, err := plugin.SampleRTT(); err != nil || got[0].Peer != 2 {
		t.Fatalf("a new call got %v, %v", got, err)
	}
	if got := d.read(); len(got) != 0 {
		t.Fatalf("%q while a call was using it", got)
	}
	close(leave)
	if got := receive(t, slow, "the slow call's answer"); got.err != nil || got.samples[0].Peer != 1 {
		t.Fatalf("the slow call got %v, %v", got.samples, got.err)
	}
	if got := d.until(t, 1); got[0] != "closed old" {
		t.Fatal(got)
	}
}

func TestConfigurationsChangeWhileCallsRun(t *testing.T) {
	var alive, closed atomic.Int64
	plugin := plugintest.Start(t, func(pluginsdk.Env, named) (*probe, error) {
		alive.Add(1)
		var gone atomic.Bool
		return &probe{
			sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
				if gone.Load() {
					return nil, errors.New("called after Close")
				}
				return nil, nil
			},
			close: func() error {
				gone.Store(true)
				closed.Add(1)
				return nil
			},
		}, nil
	}, named{})
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := plugin.SampleRTT(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 50 {
		if err := plugin.Reconfigure(named{fmt.Sprint(i)}); err != nil {
			t.Error(err)
		}
		if err := plugin.SetPeers(pluginsdk.Peer{ID: uint64(i + 1)}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	callers.Wait()
	if alive.Load() != 51 || closed.Load() != 50 {
		t.Fatalf("%d instances were built and %d closed", alive.Load(), closed.Load())
	}
}

func TestSetPeersIsCalledOnceAndWhenPeersChange(t *testing.T) {
	d := newDiary()
	construct := func(_ pluginsdk.Env, cfg named) (*probe, error) {
		return &probe{
			peers: func(peers []pluginsdk.Peer) { d.add(fmt.Sprint(cfg.Name, " gets ", len(peers))) },
			sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
				d.add(cfg.Name + " is asked")
				return nil, nil
			},
		}, nil
	}
	plugin := plugintest.Start(t, construct, named{"a"})
	two := []pluginsdk.Peer{{ID: 1}, {ID: 2, Address: "x"}}
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func() error { _, err := plugin.SampleRTT(); return err }
	step(ask()) // the host has sent no peers: an empty list
	step(ask())
	step(plugin.SetPeers(two...))
	step(plugin.SetPeers(two...)) // no change
	step(ask())
	step(plugin.Reconfigure(named{"b"})) // SetPeers comes before the call
	step(ask())
	step(plugin.SetPeers(two[:1]...))
	want := []string{
		"a gets 0", "a is asked", "a is asked", "a gets 2", "a is asked",
		"b gets 2", "b is asked", "b gets 1",
	}
	if diff := cmp.Diff(want, d.read()); diff != "" {
		t.Fatal(diff)
	}
}

func TestAPanicIsOneFailedCall(t *testing.T) {
	d := newDiary()
	calls := 0
	plugin := plugintest.Start(t, always(&probe{
		sample: func(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			if calls++; calls == 1 {
				panic(errors.New("index out of luck"))
			}
			return nil, nil
		},
		peers: func(peers []pluginsdk.Peer) {
			if len(peers) == 1 {
				panic("one")
			}
		},
	}), none{}, plugintest.WithLogs(d))
	_, err := plugin.SampleRTT()
	wantError(t, err, codes.Internal, "panic in SampleRtt: index out of luck (its stack is in the plugin's log)")
	if _, err := plugin.SampleRTT(); err != nil {
		t.Errorf("the next call: %v", err)
	}
	wantError(t, plugin.SetPeers(pluginsdk.Peer{ID: 1}), codes.Internal,
		"panic in SetPeers: one (its stack is in the plugin's log)")
	if log := strings.Join(d.read(), ""); !strings.Contains(log, "lifecycle_test.go") || !strings.Contains(log, "index out of luck") {
		t.Errorf("the log has no stack: %s", log)
	}
}

func TestACloseThatPanicsIsOnlyLogged(t *testing.T) {
	d := newDiary()
	t.Run("plugin", func(t *testing.T) {
		plugintest.Start(t, always(&probe{close: func() error { panic("no") }}), none{}, plugintest.WithLogs(d))
	})
	if log := strings.Join(d.read(), ""); !strings.Contains(log, "Close of an old instance failed") {
		t.Errorf("the log says %s", log)
	}
}

// source sends its name, then waits until its context ends.
type source struct{ name string }

func (s *source) Events(ctx context.Context, send func([]*meshosv1.Event) error) error {
	if err := send([]*meshosv1.Event{line(s.name)}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestAnEventStreamContinuesWithTheNextConfiguration(t *testing.T) {
	plugin := plugintest.Start(t, func(_ pluginsdk.Env, cfg named) (*source, error) {
		return &source{cfg.Name}, nil
	}, named{"a"})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := pluginv1.NewEventSourceClient(plugin.Conn()).Events(ctx, &pluginv1.EventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c"} {
		if name != "a" {
			if err := plugin.Reconfigure(named{name}); err != nil {
				t.Fatal(err)
			}
		}
		batch, err := stream.Recv()
		if err != nil || batch.GetEvents()[0].GetLogLine().GetMessage() != name {
			t.Fatalf("got %v, %v, want %s", batch, err, name)
		}
	}
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Fatalf("got %v", err)
	}
}

func TestAnEventStreamNeedsAConfiguration(t *testing.T) {
	plugin := plugintest.Serve(t, always(&source{}))
	_, err := plugin.Events(1)
	wantError(t, err, codes.FailedPrecondition, "not configured: call Configure first")
}
