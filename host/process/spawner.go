package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/process/order"
)

// Spawner starts processes, each through a helper. One goroutine does all its forks, and is
// locked to its OS thread for ever: a child's Pdeathsig fires when the thread that forked it
// ends, and Go ends threads at any time (golang/go#27505).
type Spawner struct {
	jobs     chan *job
	quit     chan struct{}
	close    sync.Once
	ended    chan struct{}  // closed when the forking goroutine has ended
	children sync.WaitGroup // watchers of the children
}

// NewSpawner starts the thread. Close the Spawner.
func NewSpawner() *Spawner {
	s := &Spawner{jobs: make(chan *job), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

// Close ends the thread, so that the kernel kills every child, and waits until they are reaped,
// at most 5 s in case one hangs in the kernel.
func (s *Spawner) Close() {
	s.close.Do(func() { close(s.quit) })
	<-s.ended
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		s.children.Wait()
	}()
	timer := time.NewTimer(killWait)
	defer timer.Stop()
	select {
	case <-collected:
	case <-timer.C:
	}
}

// Start starts a process and returns when its program is executed. Its error is a
// *StartError, an *AbandonedError, ErrSpawnerClosed or the context's; the context bounds
// only the start, not the life of the process. However long an execution takes, other
// starts do not wait for it.
func (s *Spawner) Start(ctx context.Context, spec Spec) (*Process, error) {
	p, err := s.start(ctx, spec)
	if err != nil && p == nil && !isStartError(err) {
		err = fmt.Errorf("start %s: %w", spec.Path, err)
	}
	return p, err
}

func isStartError(err error) bool {
	var start *StartError
	var abandoned *AbandonedError
	return errors.As(err, &start) || errors.As(err, &abandoned)
}

func (s *Spawner) start(ctx context.Context, spec Spec) (*Process, error) {
	path, err := spec.executable()
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	o := order.Order{Path: path, Argv: append([]string{spec.Path}, spec.Args...), Env: spec.Env, Dir: spec.Dir}
	p, last, err := s.help(ctx, spec.Program.order(o), spec.ExtraFiles, spec.Program.descriptor())
	if err == nil {
		if err = startError(spec, last); err != nil {
			p.abandon()
		}
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// help starts a helper and returns it with its last word on its order. If there is an error
// nothing is left of it, or the error is an *AbandonedError.
func (s *Spawner) help(ctx context.Context, o order.Order, given []*os.File, program *os.File) (*Process, order.Status, error) {
	var last order.Status
	if err := ctx.Err(); err != nil {
		return nil, last, err
	}
	failed := func(err error) (*Process, order.Status, error) {
		return nil, last, &StartError{Path: o.Path, Err: err}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return failed(err)
	}
	defer null.Close()
	stdout, stdoutW, err := newPipe()
	if err != nil {
		return failed(err)
	}
	defer stdoutW.Close()
	stderr, stderrW, err := newPipe()
	if err != nil {
		stdout.Close()
		return failed(err)
	}
	defer stderrW.Close()
	h, err := newHelperStart(o, [3]*os.File{null, stdoutW, stderrW}, given, program)
	if err != nil {
		stdout.Close()
		stderr.Close()
		return failed(err)
	}
	p, err := s.fork(ctx, h, stdout, stderr)
	h.sent()
	if err != nil {
		_ = h.status.Close()
		stdout.Close()
		stderr.Close()
		return nil, last, err
	}
	last, err = h.await(ctx)
	if err == nil {
		return p, last, nil
	}
	p.abandon()
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case <-p.Collected():
	case <-timer.C:
		return nil, last, &AbandonedError{Path: o.Path, Err: err, Process: p}
	}
	if errors.Is(err, errHelper) {
		return failed(fmt.Errorf("%w: %v", errHelper, p.Exit()))
	}
	return nil, last, err
}

// abandonAfter is how long a start waits for a helper that it has killed.
const abandonAfter = 200 * time.Millisecond

// job is one fork on its way to the thread and back.
type job struct {
	helper         *helperStart
	stdout, stderr *pipe
	done           chan struct{}
	process        *Process
	err            error
}

// fork has the thread start a helper. It executes our own binary, so that takes no time
// to speak of.
func (s *Spawner) fork(ctx context.Context, h *helperStart, stdout, stderr *pipe) (*Process, error) {
	j := &job{helper: h, stdout: stdout, stderr: stderr, done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-s.quit:
		return nil, ErrSpawnerClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	<-j.done
	return j.process, j.err
}

func (s *Spawner) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	defer close(s.ended)
	for {
		select {
		case <-s.quit:
			return
		case j := <-s.jobs:
			proc, err := forkHelper(j.helper)
			if err != nil {
				j.err = &StartError{Path: j.helper.path, Err: err}
			} else {
				j.process = newProcess(&localChild{proc: proc}, proc.Pid, j.stdout, j.stderr)
				s.children.Go(j.process.watch)
			}
			close(j.done)
		}
	}
}

// forkHelper starts a helper in a session of its own. It dies with the thread that calls
// this.
func forkHelper(h *helperStart) (*os.Process, error) {
	hideDescriptors()
	proc, err := os.StartProcess(self, h.args(), &os.ProcAttr{
		// One thread at a time is enough for it.
		Env: []string{"GOMAXPROCS=1"}, Files: h.files,
		Sys: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, fmt.Errorf("its starting process: %w", err)
	}
	return proc, nil
}
