package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// localForker makes helpers children of this process, which die with it. One goroutine does
// all its forks, and is locked to its OS thread for ever: a child's Pdeathsig fires when the
// thread that forked it ends, and Go ends threads at any time (golang/go#27505).
type localForker struct {
	// alone is whether it may execute what others name by itself: nothing else than the start
	// goes on in this process then.
	alone bool
	jobs  chan *job
	calls chan func()
	quit  chan struct{}
	once  sync.Once
	ended chan struct{} // closed when the forking goroutine has ended
}

// job is one fork that the thread does.
type job struct {
	start func() (pid int, err error)
	done  chan struct{}
	pid   int
	err   error
}

func newLocalForker() *localForker {
	return &localForker{jobs: make(chan *job), calls: make(chan func()), quit: make(chan struct{}), ended: make(chan struct{})}
}

func (f *localForker) run() {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f.serve(nil)
		return
	}
	// The runtime does not end the main thread, so what was started on it would not be killed.
	locked := make(chan struct{})
	go f.serve(locked)
	<-locked
	runtime.UnlockOSThread()
}

// serve does what is asked of the thread, until the forker ends.
func (f *localForker) serve(locked chan<- struct{}) {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	if locked != nil {
		close(locked)
	}
	defer close(f.ended)
	for {
		select {
		case <-f.quit:
			return
		case call := <-f.calls:
			call()
		case j := <-f.jobs:
			j.pid, j.err = j.start()
			close(j.done)
		}
	}
}

// do calls a function on the thread, unless that has ended.
func (f *localForker) do(call func()) {
	called := make(chan struct{})
	select {
	case f.calls <- func() { defer close(called); call() }:
		<-called
	case <-f.quit:
	}
}

func (f *localForker) fork(ctx context.Context, h *helperStart) (child, int, error) {
	pid, err := f.onThread(ctx, func() (int, error) {
		proc, err := forkHelper(h.files, h.args(), dying())
		if err != nil {
			return 0, &StartError{Path: h.path, Err: err}
		}
		pid := proc.Pid
		return pid, proc.Release() // wait(2) is ours, and forgets the pid
	})
	if err != nil {
		return nil, 0, err
	}
	return &localChild{pid: pid, rest: h.rest}, pid, nil
}

// onThread starts a process on the thread that children die with.
func (f *localForker) onThread(ctx context.Context, start func() (int, error)) (pid int, err error) {
	j := &job{start: start, done: make(chan struct{})}
	select {
	case f.jobs <- j:
	case <-f.quit:
		return 0, ErrSpawnerClosed
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	<-j.done
	return j.pid, j.err
}

// dying is how children are started: in a session of their own, and killed with the thread.
func dying() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// close ends the thread, so that the kernel kills every child.
func (f *localForker) close() {
	f.once.Do(func() { close(f.quit) })
	<-f.ended
}

// forkHelper executes our own binary as a helper.
func forkHelper(files []*os.File, args []string, attr *syscall.SysProcAttr) (*os.Process, error) {
	hideDescriptors()
	args[0] = filepath.Base(os.Args[0])
	// One thread at a time is enough for it.
	proc, err := os.StartProcess(self, args, &os.ProcAttr{Env: []string{"GOMAXPROCS=1"}, Files: files, Sys: attr})
	if err != nil {
		return nil, fmt.Errorf("its starting process: %w", err)
	}
	return proc, nil
}
