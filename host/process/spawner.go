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

// Spawner starts processes. One goroutine does all its forks, and is locked to its OS thread for
// ever: a child's Pdeathsig fires when the thread that forked it ends, and Go ends threads at
// any time (golang/go#27505).
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

// Start starts a process. Its error is a *StartError, ErrSpawnerClosed or that of ctx, which
// bounds only the start, not the life of the process.
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
		// An exec can take long, on a file system that hangs. If settled is still false
		// the thread kills the child; else the child was started in time and is returned.
		if j.settled.CompareAndSwap(false, true) {
			return nil, fmt.Errorf("start %s: %w", spec.Path, context.Cause(ctx))
		}
		<-j.done
	}
	return j.process, j.err
}

// job is one start that the thread does.
type job struct {
	spec    Spec
	settled atomic.Bool // set by the caller when it gives up, or by the thread when it is done
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

// fork starts a process. It runs on the locked thread.
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
	s.children.Go(p.watch)
	return p, nil
}

// hideDescriptors keeps children from inheriting descriptors that this process inherited itself.
// Go marks close-on-exec only what it opens.
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
