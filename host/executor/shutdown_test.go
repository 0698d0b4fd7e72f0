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

func TestB4_ShutdownAnswersTheBacklog(t *testing.T) {
	ends := map[string]func(n *node){
		"context ended": func(n *node) { n.stop() },
		"queue closed":  func(n *node) { close(n.actions) },
		"both":          func(n *node) { close(n.actions); n.stop() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, time.Minute, dispatch(func(ctx context.Context, e mesh.Emitted) error {
					select {
					case <-time.After(2 * time.Second):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}))
				n.emit(start(1), start(2), start(3))
				synctest.Wait()
				end(n)
				took, err := n.end()
				if err != nil || took != 2*time.Second {
					t.Errorf("ended after %v with %v, want 2s without error", took, err)
				}
				// What is under way gets its time; what waits is not begun.
				n.want(failed(2, notCarriedOut), failed(3, notCarriedOut), done(1))
				n.stop()
			})
		})
	}
}

func TestB4_ShutdownEndsADispatchAfterItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, time.Minute, dispatch(func(ctx context.Context, e mesh.Emitted) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		n.emit(start(1), start(2))
		synctest.Wait()
		n.stop()
		took, err := n.end()
		if err != nil || took != 4*time.Second {
			t.Errorf("ended after %v with %v, want 4s without error", took, err)
		}
		n.want(failed(2, notCarriedOut), failed(1, "start_daemon was not finished: the node is shutting down"))
	})
}

func TestB4_ShutdownLeavesAHungDispatchBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		n := startNode(t, time.Minute, dispatch(func(context.Context, mesh.Emitted) error {
			<-release
			return nil
		}))
		n.emit(start(7), start(2))
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
		n.want(failed(2, notCarriedOut), failed(1, "start_daemon was not finished: the node is shutting down"))
		close(release)
	})
}

func TestShutdownWhileNobodyTakesOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		actions := make(chan mesh.Emitted, 100)
		wall := time.Now()
		ex := executor.New(executor.Options{
			Dispatcher: dispatch(func(context.Context, mesh.Emitted) error { return nil }),
			Outcomes:   wedged{},
			Now:        func() mesh.Time { return mesh.Time(time.Since(wall)) },
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- ex.Run(ctx, actions) }()
		for i := range 50 {
			actions <- mesh.Emitted{ID: mesh.ActionID(i + 1), Action: start(1)}
		}
		synctest.Wait()
		cancel()
		begun := time.Now()
		<-ended
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("took %v, want at most 5s", took)
		}
		if c := ex.Counters(); c.Undelivered != 50 || c.Dispatched+c.Failed != 50 || c.Waiting != 0 {
			t.Errorf("counters: %+v", c)
		}
	})
}

// wedged is a loop that takes nothing.
type wedged struct{}

func (wedged) Outcome(ctx context.Context, _ mesh.Outcome) error {
	<-ctx.Done()
	return ctx.Err()
}
