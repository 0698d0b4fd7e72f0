package process

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Spawner starts processes. All of its forks come from one goroutine that is
// locked to its OS thread for ever: a child's Pdeathsig fires when the thread
// that forked it ends, and Go ends threads as it likes (golang/go#27505).
type Spawner struct {
	jobs     chan *job
	quit     chan struct{}
	close    sync.Once
	ended    chan struct{}  // the forking goroutine is over
	children sync.WaitGroup // watchers of children that die with us
}

// NewSpawner starts the thread. Close it.
func NewSpawner() *Spawner {
	s := &Spawner{jobs: make(chan *job), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

// Close ends the thread, by which the kernel kills every child that was not
// started with KeepAfterParent, and waits until they are reaped, but no longer
// than 5 s for one that hangs in the kernel.
func (s *Spawner) Close() {
	s.close.Do(func() { close(s.quit) })
	<-s.ended
	reaped := make(chan struct{})
	go func() {
		defer close(reaped)
		s.children.Wait()
	}()
	timer := time.NewTimer(killWait)
	defer timer.Stop()
	select {
	case <-reaped:
	case <-timer.C:
	}
}

// Start starts a process. Its error is a *StartError, ErrSpawnerClosed or the
// context's; the context bounds only the start, not the life of the process.
func (s *Spawner) Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	j := &job{spec: spec, done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-s.quit:
		return nil, fmt.Errorf("start %s: %w", spec.Path, ErrSpawnerClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("start %s: %w", spec.Path, context.Cause(ctx))
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		// An exec can take long, on a file system that hangs. Whoever is first
		// decides: either the child is ours, or the thread kills it.
		if j.settled.CompareAndSwap(false, true) {
			return nil, fmt.Errorf("start %s: %w", spec.Path, context.Cause(ctx))
		}
		<-j.done
	}
	return j.process, j.err
}

// job is one start on its way to the thread and back.
type job struct {
	spec    Spec
	settled atomic.Bool // by the caller that gave up, or by the thread that is done
	done    chan struct{}
	process *Process
	err     error
}

func (s *Spawner) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	defer close(s.ended)
	for {
		select {
		case <-s.quit:
			return
		case j := <-s.jobs:
			j.process, j.err = s.fork(j.spec)
			if !j.settled.CompareAndSwap(false, true) && j.process != nil {
				j.process.abandon()
			}
			close(j.done)
		}
	}
}

// fork does the work of Start on the locked thread.
func (s *Spawner) fork(spec Spec) (*Process, error) {
	if err := checkDir(spec.Dir); err != nil {
		return nil, err
	}
	path, err := spec.executable()
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	defer null.Close()
	stdout, stdoutW, err := newPipe()
	if err != nil {
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	defer stdoutW.Close()
	stderr, stderrW, err := newPipe()
	if err != nil {
		stdout.Close()
		return nil, &StartError{Path: spec.Path, Err: err}
	}
	defer stderrW.Close()

	hideDescriptors()
	proc, err := os.StartProcess(path, append([]string{spec.Path}, spec.Args...), spec.attr(null, stdoutW, stderrW))
	if err != nil {
		stdout.Close()
		stderr.Close()
		return nil, startError(spec, err)
	}
	p := newProcess(proc, stdout, stderr)
	if spec.KeepAfterParent {
		go p.watch()
	} else {
		s.children.Go(p.watch)
	}
	return p, nil
}

// hideDescriptors keeps descriptors from children that were handed to this
// process by whoever started it: Go marks those that it opens itself, not these.
func hideDescriptors() {
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil || !(errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL)) {
		return
	}
	// Kernels before 5.11.
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		var fd int
		if _, err := fmt.Sscan(e.Name(), &fd); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
