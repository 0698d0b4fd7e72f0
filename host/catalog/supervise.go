package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// run drives the plugin's life until ctx has ended and nothing is left of its process.
// It calls first with the error of the first try, nil if that made the plugin ready.
func (s *slot) run(ctx context.Context, env *runEnv, first func(error)) {
	defer s.kept.drop()
	for ctx.Err() == nil {
		s.mu.Lock()
		at := s.machine.phase
		s.mu.Unlock()
		switch at {
		case verifying:
			s.attempt(ctx, env, first)
			first = func(error) {}
		case backingOff, quarantined:
			s.awaitRetry(ctx)
		case rejected:
			s.awaitChange(ctx)
		default: // disabled
			<-ctx.Done()
		}
	}
	s.step(func(m *machine, now time.Time) {
		if m.phase != disabled {
			m.stop(now)
		}
	})
	s.output.Report()
}

// attempt takes the plugin from verifying to ready, and returns when that failed or the
// process has ended.
func (s *slot) attempt(ctx context.Context, env *runEnv, first func(error)) {
	s.output.NextProcess()
	s.triedEntry = s.entry()
	s.file.tried(stampOf(ctx, s.entry().Path)) // before it is read: a change meanwhile counts
	began := s.opts.Now()
	started := env.calm.starting()
	i, err := s.startUp(ctx, env)
	started()
	if err != nil {
		if ctx.Err() == nil {
			s.fail(err)
			first(err)
		}
		return
	}
	report := false
	s.step(func(m *machine, now time.Time) {
		report = !s.kindsReported || !slices.Equal(s.kinds, i.kinds)
		s.kindsReported, s.kinds, s.version, s.schema, s.noOp, s.notice = true, i.kinds, i.version, i.schema, i.noOp, i.notice
		s.schemes = i.schemes
		m.configured(now)
		s.renewLocked()
	})
	s.opts.Log(mesh.LevelInfo, s.entry().Name, fmt.Sprintf("ready after %v: version %s, pid %d, serves %s",
		s.opts.Now().Sub(began).Round(time.Millisecond), orNone(i.version), i.proc.Pid(), orNone(strings.Join(i.kinds, ", "))))
	if report {
		env.serving(s.entry().Name, slices.Clone(i.kinds))
	}
	first(nil)
	var learning sync.WaitGroup
	learning.Go(func() { s.learn(i, &env.calm) })
	s.watch(ctx, i)
	learning.Wait()
	i.program.done()
}

// startUp verifies the plugin's file, starts it and sets the process up.
func (s *slot) startUp(ctx context.Context, env *runEnv) (i *instance, err error) {
	if err := s.checkStuck(); err != nil {
		return nil, err
	}
	program, err := s.load(ctx, env.spawner)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		if sum, broken := program.hash(); broken == nil {
			s.setHash(sum) // for whoever looks for what is wrong with it
		}
		program.done()
	}()
	if err := s.verify(program); err != nil {
		return nil, err
	}
	s.kept.keep(program)
	s.step(func(m *machine, now time.Time) { m.verified(now) })
	i, err = s.launch(ctx, env, program.Program)
	if err != nil {
		return nil, err
	}
	i.entry, i.program = s.triedEntry, program
	s.step(func(m *machine, now time.Time) { m.started(now) })
	if err := s.setUp(ctx, i); err != nil {
		exit := i.stop(100 * time.Millisecond)
		s.ended(exit)
		return nil, err
	}
	return i, nil
}

// fail records, reports and logs a failure.
func (s *slot) fail(err error) {
	reason := err.Error()
	var e *Error
	refused, lacks := false, false
	if errors.As(err, &e) {
		e = e.orLack()
		reason, refused, lacks = e.standing(), e.Rejected, e.Host
	}
	var after phase
	var in time.Duration
	s.step(func(m *machine, now time.Time) {
		switch {
		case lacks:
			m.heldUp(now, reason)
		case refused:
			m.refused(now, reason)
		default:
			m.failed(now, reason)
		}
		after, in = m.phase, m.until.Sub(now)
		s.retryNow = s.retryNow || s.triedEntry != s.entry() // this try was for an entry that is not in force any more
	})
	switch after {
	case rejected:
		reason += "; rejected until its file or its entry changes"
	case quarantined:
		reason += fmt.Sprintf("; quarantined for %v", in.Round(time.Second))
	}
	if lacks {
		reason += "; not the plugin's fault"
	}
	// The record does not name the pause, so that records of one cause are equal.
	s.opts.Failure(s.entry().Name, reason)
	if after == backingOff {
		reason += fmt.Sprintf("; next try in %v", in.Round(time.Millisecond))
	}
	s.opts.Log(mesh.LevelError, s.entry().Name, reason)
}

// awaitRetry returns when the next try is made, or when there may be another reason for
// one: run calls it again then. A file that was replaced meanwhile is tried at once, and
// earlier failures do not count against it.
func (s *slot) awaitRetry(ctx context.Context) {
	s.mu.Lock()
	due, _ := s.machine.nextCheck()
	now := s.retryNow
	s.mu.Unlock()
	replaced := false
	if !now {
		timer := time.NewTimer(max(0, due.Sub(s.opts.Now())))
		defer timer.Stop()
		tick := time.NewTicker(s.opts.FilePoll)
		defer tick.Stop()
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			return
		case <-timer.C:
		case <-tick.C:
			if replaced = s.file.replaced(stampOf(ctx, s.entry().Path)); !replaced {
				return
			}
		}
	}
	s.step(func(m *machine, t time.Time) {
		switch {
		case replaced:
			m.replaced(t)
		case now || m.due(t):
			s.retryNow = false // also if it was set just now: this is the try that it asks for
			m.retry(t)
		}
	})
}

// awaitChange waits until the file or the configuration of a rejected plugin has changed.
func (s *slot) awaitChange(ctx context.Context) {
	tick := time.NewTicker(s.opts.FilePoll)
	defer tick.Stop()
	for {
		s.mu.Lock()
		again := s.retryNow
		s.retryNow = false
		s.mu.Unlock()
		if again {
			s.step(func(m *machine, now time.Time) { m.retry(now) })
			return
		}
		if s.file.replaced(stampOf(ctx, s.entry().Path)) {
			s.step(func(m *machine, now time.Time) { m.replaced(now) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
