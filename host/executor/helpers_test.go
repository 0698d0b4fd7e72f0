package executor_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
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

// dispatch is a Dispatcher that is a function.
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
	outcomes []mesh.Outcome              // the final ones
	reports  []report                    // the others
	took     map[mesh.ActionID]mesh.Time // when each outcome came
	observed []string
}

// report is an outcome that is not final.
type report struct {
	at time.Duration
	mesh.Outcome
}

// startNode runs an executor with the default admission, unless a test changes that.
func startNode(t *testing.T, timeout time.Duration, d executor.Dispatcher, change ...func(*executor.Options)) *node {
	n := &node{
		t: t, start: time.Now(), took: make(map[mesh.ActionID]mesh.Time),
		actions: make(chan mesh.Emitted, 1024), ended: make(chan error, 1),
	}
	o := executor.Options{
		Dispatcher: d, Outcomes: n, Now: n.now, Timeout: timeout,
		Observe: func(kind string, end executor.End, took time.Duration) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.observed = append(n.observed, fmt.Sprintf("%s %s %v", kind, end, took))
		},
	}
	for _, f := range change {
		f(&o)
	}
	n.exec = executor.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	n.stop = cancel
	go func() { n.ended <- n.exec.Run(ctx, n.actions) }()
	return n
}

// admit changes the admission of a node from the defaults.
func admit(f func(a *executor.Admission)) func(*executor.Options) {
	return func(o *executor.Options) {
		o.Admission = executor.DefaultAdmission()
		f(&o.Admission)
	}
}

func (n *node) now() mesh.Time { return mesh.Time(time.Since(n.start)) }

// Outcome implements executor.Outcomes.
func (n *node) Outcome(ctx context.Context, o mesh.Outcome) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !o.Final {
		n.reports = append(n.reports, report{at: time.Duration(n.now()), Outcome: o})
		return nil
	}
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

// want waits until nothing moves and compares the outcomes so far, by id. In reasons,
// the line of a panic is N.
func (n *node) want(want ...mesh.Outcome) {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	got := slices.Clone(n.outcomes)
	for i := range got {
		got[i].Reason = panicLine.ReplaceAllString(got[i].Reason, ".go:N:")
	}
	slices.SortStableFunc(got, func(a, b mesh.Outcome) int { return cmp.Compare(a.ID, b.ID) })
	if !slices.Equal(got, want) {
		n.t.Errorf("outcomes:\n got %+v\nwant %+v", got, want)
	}
}

// counts waits until nothing moves and compares the counters.
func (n *node) counts(want executor.Counters) {
	n.t.Helper()
	synctest.Wait()
	if got := n.exec.Counters(); got != want {
		n.t.Errorf("counters:\n got %+v\nwant %+v", got, want)
	}
}

// end waits for Run, returns how long that took, and checks that every action had
// exactly one final outcome and no report after it.
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
	}
	for _, s := range n.reports {
		if s.at > time.Duration(n.took[s.ID]) {
			n.t.Errorf("a report of action %d after it ended: %+v", s.ID, s)
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

// notes are lines about what happened, in order.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// take returns the lines since the last take.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines := n.lines
	n.lines = nil
	return lines
}

// rest lets time pass, and waits until nothing moves.
func rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// close ends a node, and wants nothing left behind.
func (n *node) close() {
	n.t.Helper()
	n.stop()
	if _, err := n.end(); err != nil {
		n.t.Error(err)
	}
}

func start(id mesh.DaemonID) mesh.Action {
	return mesh.StartDaemon{Daemon: mesh.DaemonRef{ID: id}}
}

func stop(id mesh.DaemonID) mesh.Action {
	return mesh.StopDaemon{Daemon: mesh.DaemonRef{ID: id}}
}

func pull(id mesh.ChainID) mesh.Action { return mesh.PullReplica{Chain: id, Source: 2} }
func drop(id mesh.ChainID) mesh.Action { return mesh.DropReplica{Chain: id} }

// later is an error that asks for another try.
type later time.Duration

func (l later) Error() string             { return "not now" }
func (l later) RetryAfter() time.Duration { return time.Duration(l) }

// nothing succeeds at once.
func nothing(context.Context, mesh.Emitted) error { return nil }

// noting succeeds at once, and notes the ids.
func noting(ids *[]mesh.ActionID) dispatch {
	return func(_ context.Context, e mesh.Emitted) error {
		*ids = append(*ids, e.ID)
		return nil
	}
}

var errNo = errors.New("no")

var panicLine = regexp.MustCompile(`\.go:\d+:`)
