package executor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

const notCarriedOut = "not carried out: the node is shutting down"

// slow takes some time, unless its context ends before.
func slow(d time.Duration) dispatch {
	return func(ctx context.Context, _ mesh.Emitted) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestB4_ShutdownWorksOffWhatIsLeft(t *testing.T) {
	ends := map[string]func(n *node){
		"context ended": func(n *node) { n.stop() },
		"queue closed":  func(n *node) { close(n.actions) },
		"both":          func(n *node) { close(n.actions); n.stop() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, time.Minute, slow(1500*time.Millisecond))
				n.emit(start(1), stop(1), start(1), start(2))
				synctest.Wait()
				end(n)
				took, err := n.end()
				if err != nil || took != 4*time.Second {
					t.Errorf("ended after %v with %v, want 4s without error", took, err)
				}
				// The third was begun 3 s after the end; contexts of dispatches end after 4 s.
				n.want(done(1), done(2), failed(3, "start_daemon was not finished: the node is shutting down"), done(4))
				n.stop()
			})
		})
	}
}

func TestB4_ShutdownFailsWhatIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, slow(time.Hour))
		n.emit(start(1), stop(1), start(2), stop(2))
		synctest.Wait()
		n.stop()
		took, err := n.end()
		if err != nil || took != 4*time.Second {
			t.Errorf("ended after %v with %v, want 4s without error", took, err)
		}
		n.want(failed(1, "start_daemon was not finished: the node is shutting down"), failed(2, notCarriedOut),
			failed(3, "start_daemon was not finished: the node is shutting down"), failed(4, notCarriedOut))
		n.counts(executor.Counters{Failed: 4})
	})
}

// What is deferred beyond the time that is left fails at once, what is due before is
// still tried, and pulls go on in their order.
func TestB4_ShutdownOfWhatIsDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n := startNode(t, time.Minute, dispatch(func(_ context.Context, e mesh.Emitted) error {
			switch {
			case e.Action.Kind() == mesh.KindPullReplica:
				return nil
			case e.ID == 1 && tries == 0:
				tries++
				return later(3 * time.Second)
			}
			return later(10 * time.Second)
		}))
		n.emit(start(1), start(2), pull(1), pull(2), pull(3))
		synctest.Wait()
		n.stop()
		took, err := n.end()
		if err != nil || took != 3*time.Second {
			t.Errorf("ended after %v with %v, want 3s without error", took, err)
		}
		n.want(failed(1, notCarriedOut+": not now"), failed(2, notCarriedOut), done(3), done(4), done(5))
	})
}

func TestB4_ShutdownLeavesAHungDispatchBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			<-release
			return nil
		}))
		n.emit(start(7), stop(7))
		synctest.Wait()
		n.stop()
		took, err := n.end()
		var left *executor.LeftBehindError
		if !errors.As(err, &left) || len(left.What) != 1 || left.What[0] != "start_daemon on daemon 7" {
			t.Errorf("got error %v", err)
		}
		if took > 5*time.Second {
			t.Errorf("took %v, want at most 5s", took)
		}
		n.want(failed(1, "start_daemon was not finished: the node is shutting down"), failed(2, notCarriedOut))
		close(release)
	})
}

func TestShutdownKeepsToAShorterGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, slow(time.Hour), func(o *executor.Options) { o.Grace = time.Second })
		n.emit(start(1))
		synctest.Wait()
		n.stop()
		if took, err := n.end(); err != nil || took != 800*time.Millisecond {
			t.Errorf("ended after %v with %v, want 800ms without error", took, err)
		}
	})
}

// When the executor goes on, several channels are ready at once and it takes any of
// them, so this is tried many times.
func TestShutdownWhileNobodyTakesOutcomes(t *testing.T) {
	for range 20 {
		synctest.Test(t, shutdownWhileNobodyTakesOutcomes)
	}
}

func shutdownWhileNobodyTakesOutcomes(t *testing.T) {
	actions := make(chan mesh.Emitted, 100)
	wall := time.Now()
	ex := executor.New(executor.Options{
		Dispatcher: dispatch(func(ctx context.Context, _ mesh.Emitted) error {
			if ctx.Err() != nil {
				t.Error("a dispatch was begun after the end of its context")
			}
			return nil
		}),
		Outcomes: wedged{},
		Now:      func() mesh.Time { return mesh.Time(time.Since(wall)) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ex.Run(ctx, actions) }()
	for i := range 50 {
		if i == 1 {
			synctest.Wait() // the first outcome waits to be taken, the other actions stay in the queue
		}
		actions <- mesh.Emitted{ID: mesh.ActionID(i + 1), Action: start(mesh.DaemonID(i + 1))}
	}
	cancel()
	begun := time.Now()
	<-ended
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("took %v, want at most 5s", took)
	}
	if c := ex.Counters(); c.Undelivered != 50 || c.Dispatched+c.Failed != 50 || c.Waiting != 0 {
		t.Errorf("counters: %+v", c)
	}
}

// wedged is a loop that takes nothing.
type wedged struct{}

func (wedged) Outcome(ctx context.Context, _ mesh.Outcome) error {
	<-ctx.Done()
	return ctx.Err()
}
