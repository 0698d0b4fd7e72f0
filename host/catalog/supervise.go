package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/process"
)

// run drives the plugin's life until ctx ends and nothing is left of its process.
// first takes the error of the first try, nil when that made it ready.
func (s *slot) run(ctx context.Context, env *runEnv, first func(error)) {
	for ctx.Err() == nil {
		s.mu.Lock()
		at := s.machine.phase
		s.mu.Unlock()
		switch at {
		case verifying:
			s.attempt(ctx, env, first)
			first = func(error) {}
		case backingOff, quarantined:
			s.await(ctx)
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
	s.output.ReportSuppressed()
}

// attempt takes the plugin from verifying to ready, stays while it is, and leaves
// when the process has ended.
func (s *slot) attempt(ctx context.Context, env *runEnv, first func(error)) {
	s.output.NextProcess()
	s.tried = stampOf(s.entry.Path) // before it is read: what changes meanwhile counts
	began := s.opts.Now()
	i, err := s.startUp(ctx, env)
	if err != nil {
		if ctx.Err() == nil {
			s.fail(err)
			first(err)
		}
		return
	}
	tell := false
	s.step(func(m *machine, now time.Time) {
		tell = !s.served || !slices.Equal(s.kinds, i.kinds)
		s.served, s.kinds, s.version, s.schema, s.noOp = true, i.kinds, i.version, i.schema, i.noOp
		m.configured(now)
		s.renewLocked()
	})
	s.opts.Log(mesh.LevelInfo, s.entry.Name, fmt.Sprintf("ready after %v: version %s, pid %d, serves %s",
		s.opts.Now().Sub(began).Round(time.Millisecond), orNone(i.version), i.proc.Pid(), strings.Join(i.kinds, ", ")))
	if tell {
		env.serving(s.entry.Name, slices.Clone(i.kinds))
	}
	first(nil)
	s.serve(ctx, i)
}

// startUp verifies the file, starts it and gives it its configuration.
func (s *slot) startUp(ctx context.Context, env *runEnv) (*instance, error) {
	sha256, err := verify(ctx, s.entry)
	s.mu.Lock()
	s.sha256 = sha256
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.step(func(m *machine, now time.Time) { m.verified(now) })
	i, err := s.launch(ctx, env, sha256)
	if err != nil {
		return nil, err
	}
	s.step(func(m *machine, now time.Time) { m.started(now) })
	if err := s.setUp(ctx, i); err != nil {
		exit := i.stop(100 * time.Millisecond)
		s.ended(exit)
		return nil, err
	}
	return i, nil
}

// serve stays with a process that takes calls until it has ended.
func (s *slot) serve(ctx context.Context, i *instance) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		wake, lags := s.machine.wake()
		hung := s.machine.hung(s.opts.Now())
		reason := s.machine.reason
		s.mu.Unlock()
		if hung {
			s.detach()
			exit := i.abort()
			s.ended(exit)
			s.fail(s.problem("call", fmt.Sprintf("it hung: %s, and not for %v after that; aborted (%v)", reason, s.opts.HangTimeout, exit),
				"its stack is in the log and tells where", nil))
			return
		}
		wait := s.care(i)
		if lags {
			wait = min(wait, wake.Sub(s.opts.Now()))
		}
		timer.Reset(max(0, wait))
		select {
		case <-i.proc.Done():
			s.detach()
			i.lastWords()
			exit := i.proc.Exit()
			s.ended(exit)
			quote := s.quote()
			if exit.Signal == syscall.SIGKILL {
				quote = "" // it had no time to say why
			}
			s.fail(s.problem("run", fmt.Sprintf("it ended by itself: %v%s", exit, quote), s.look(), nil))
			i.free()
			return
		case <-ctx.Done():
			s.detach()
			s.step(func(m *machine, now time.Time) { m.stop(now) })
			s.ended(i.stop(s.opts.DrainTimeout))
			return
		case <-s.nudge:
		case <-timer.C:
		}
	}
}

// detach takes the process away from callers.
func (s *slot) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance = nil
}

// ended writes down how a process ended.
func (s *slot) ended(exit process.Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid, s.lastExit = 0, exit.String()
	s.machine.note(s.opts.Now(), "ended: "+exit.String())
}

func (s *slot) setPid(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid = pid
}

// fail tells the machine and everybody else about a failure.
func (s *slot) fail(err error) {
	reason := err.Error()
	var e *Error
	refused := false
	if errors.As(err, &e) {
		reason, refused = e.reason(), e.Rejected
	}
	var after phase
	var in time.Duration
	s.step(func(m *machine, now time.Time) {
		if refused {
			m.refused(now, reason)
		} else {
			m.failed(now, reason)
		}
		after, in = m.phase, m.until.Sub(now)
	})
	switch after {
	case rejected:
		reason += "; rejected until its file or configuration changes"
	case quarantined:
		reason += fmt.Sprintf("; quarantined for %v", in.Round(time.Second))
	}
	// The record leaves the wait out, so that records of one cause are equal.
	s.opts.Failure(s.entry.Name, reason)
	if after == backingOff {
		reason += fmt.Sprintf("; next try in %v", in.Round(time.Millisecond))
	}
	s.opts.Log(mesh.LevelError, s.entry.Name, reason)
}

// await waits until the next try is due.
func (s *slot) await(ctx context.Context) {
	s.mu.Lock()
	wake, _ := s.machine.wake()
	kicked := s.kick
	s.mu.Unlock()
	if !kicked {
		timer := time.NewTimer(max(0, wake.Sub(s.opts.Now())))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return
		case <-s.nudge:
			return // run comes back here
		case <-timer.C:
		}
	}
	s.step(func(m *machine, now time.Time) {
		if kicked || m.due(now) {
			s.kick = false // one that came just now as well: this try is what it asked for
			m.retry(now)
		}
	})
}

// awaitChange waits until the file of a rejected plugin is another one, or its
// configuration is.
func (s *slot) awaitChange(ctx context.Context) {
	tick := time.NewTicker(s.opts.FilePoll)
	defer tick.Stop()
	for {
		s.mu.Lock()
		again := s.kick
		s.kick = false
		s.mu.Unlock()
		if again || stampOf(s.entry.Path) != s.tried {
			s.step(func(m *machine, now time.Time) { m.retry(now) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.nudge:
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
