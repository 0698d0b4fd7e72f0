package executor_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/executor"
	"github.com/meshos/meshos/host/mesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dispatch is a dispatcher made of a function.
type dispatch func(ctx context.Context, e mesh.Emitted) error

func (d dispatch) Dispatch(ctx context.Context, e mesh.Emitted) error { return d(ctx, e) }

// node runs an executor within a synctest bubble and keeps its outcomes.
type node struct {
	t       *testing.T
	exec    *executor.Executor
	actions chan mesh.Emitted
	start   time.Time
	stop    context.CancelFunc
	ended   chan error
	nextID  mesh.ActionID

	mu       sync.Mutex
	outcomes []mesh.Outcome
	took     map[mesh.ActionID]mesh.Time // when each outcome came
	observed []string
}

func startNode(t *testing.T, timeout time.Duration, d executor.Dispatcher) *node {
	n := &node{
		t: t, start: time.Now(), took: make(map[mesh.ActionID]mesh.Time),
		actions: make(chan mesh.Emitted, 1024), ended: make(chan error, 1),
	}
	n.exec = executor.New(executor.Options{
		Dispatcher: d, Outcomes: n, Now: n.now, Timeout: timeout,
		Observe: func(kind string, ok bool, took time.Duration) {
			n.mu.Lock()
			defer n.mu.Unlock()
			word := " failed "
			if ok {
				word = " ok "
			}
			n.observed = append(n.observed, kind+word+took.String())
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	n.stop = cancel
	go func() { n.ended <- n.exec.Run(ctx, n.actions) }()
	return n
}

func (n *node) now() mesh.Time { return mesh.Time(time.Since(n.start)) }

// Outcome implements executor.Outcomes.
func (n *node) Outcome(ctx context.Context, o mesh.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.outcomes = append(n.outcomes, o)
	n.took[o.ID] = n.now()
	return nil
}

// emit hands out actions as the loop does.
func (n *node) emit(actions ...mesh.Action) {
	for _, a := range actions {
		n.nextID++
		n.actions <- mesh.Emitted{ID: n.nextID, Action: a, At: n.now()}
	}
}

// want waits until nothing moves and compares the outcomes so far.
func (n *node) want(want ...mesh.Outcome) {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.outcomes, want) {
		n.t.Errorf("outcomes:\n got %+v\nwant %+v", n.outcomes, want)
	}
}

// end waits for Run, says how long that took, and checks that every action had
// exactly one outcome, a final one.
func (n *node) end() (time.Duration, error) {
	n.t.Helper()
	begun := time.Now()
	err := <-n.ended
	took := time.Since(begun)
	n.mu.Lock()
	defer n.mu.Unlock()
	count := make(map[mesh.ActionID]int)
	for _, o := range n.outcomes {
		count[o.ID]++
		if !o.Final {
			n.t.Errorf("outcome of action %d is not final", o.ID)
		}
	}
	for id := mesh.ActionID(1); id <= n.nextID; id++ {
		if count[id] != 1 {
			n.t.Errorf("action %d had %d outcomes, want exactly one", id, count[id])
		}
	}
	return took, err
}

func done(id mesh.ActionID) mesh.Outcome { return mesh.Outcome{ID: id, OK: true, Final: true} }

func failed(id mesh.ActionID, reason string) mesh.Outcome {
	return mesh.Outcome{ID: id, Reason: reason, Final: true}
}

func start(id mesh.DaemonID) mesh.Action {
	return mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: id}}
}

var errNo = errors.New("no")
