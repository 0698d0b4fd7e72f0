package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/meshos/meshos/host/process/order"
)

// Spawner starts processes, each through a helper.
type Spawner struct {
	forker   forker
	children sync.WaitGroup // watchers of the children
}

// forker starts helpers.
type forker interface {
	// fork starts a helper in a session of its own, and returns it with its pid. It takes
	// no time to speak of, since what it executes is our own binary.
	fork(ctx context.Context, h *helperStart) (child, int, error)
	// close ends every child.
	close()
}

// NewSpawner returns a Spawner whose processes are children of this one. Close it.
func NewSpawner() *Spawner {
	f := newLocalForker()
	go f.run()
	return &Spawner{forker: f}
}

// NewLoneSpawner is like NewSpawner, for a small process that does nothing else while it starts
// one. It starts without a helper what is Local and needs neither limits nor other rights, which
// takes half the time.
func NewLoneSpawner() *Spawner {
	f := newLocalForker()
	f.alone = true
	go f.run()
	return &Spawner{forker: f}
}

// Close kills every child and waits until they are reaped, at most 2.5 s in case one hangs in
// the kernel: a node has to end although a check of it hangs.
func (s *Spawner) Close() {
	s.forker.close()
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		s.children.Wait()
	}()
	timer := time.NewTimer(collectWait)
	defer timer.Stop()
	select {
	case <-collected:
	case <-timer.C:
	}
}

// collectWait is how long Close waits for children that were killed.
const collectWait = 500 * time.Millisecond

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
	o := order.Order{
		Path: path, Argv: append([]string{spec.Path}, spec.Args...), Env: spec.Env, Dir: spec.Dir,
		Cgroup: spec.Cgroup, Limits: spec.Limits, Rights: spec.Rights.order(),
	}
	mark := MarkOf(spec.Env)
	if mark == "" {
		mark = NewMark()
		o.Env = append(slices.Clip(spec.Env), MarkVariable+"="+mark)
	}
	if p := s.startAlone(ctx, spec, o); p != nil {
		return p, nil
	}
	h := helperStart{lasting: spec.Lasting, rest: newRestEnd(spec.Rest), mark: mark}
	p, last, err := s.help(ctx, spec.Program.order(o), h, spec.ExtraFiles, spec.Program.descriptor())
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
func (s *Spawner) help(ctx context.Context, o order.Order, how helperStart, given []*os.File, program *os.File) (*Process, order.Status, error) {
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
	h.lasting, h.rest, h.mark = how.lasting, how.rest, how.mark
	c, pid, err := s.forker.fork(ctx, h)
	h.sent()
	if err != nil {
		_ = h.status.Close()
		stdout.Close()
		stderr.Close()
		return nil, last, err
	}
	p := newProcess(c, pid, stdout, stderr)
	s.children.Go(p.watch)
	last, err = h.await(ctx)
	h.rest.decide(err == nil && last.Step == order.AtExec)
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
