package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// act is something bad, or unusual, that is done to the node.
type act struct {
	weight int
	do     func(ctx context.Context) error
}

// due is what has to be done later.
type due struct {
	at   time.Time
	what func() error
}

// span is a time.
type span struct{ from, to time.Time }

func (s *stage) acts() []act {
	kill := func(weight int, role string, sig syscall.Signal) act {
		return act{weight, func(context.Context) error { s.hit(role, sig); return nil }}
	}
	intend := func(intent meshosv1.DaemonIntent_Intent) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if d := s.any(); d != nil && s.node != nil {
				s.intend(ctx, d, intent)
			}
			return nil
		}
	}
	return []act{
		kill(24, "main", syscall.SIGKILL), kill(6, "child", syscall.SIGKILL), kill(8, "shim", syscall.SIGKILL),
		kill(3, "check", syscall.SIGKILL), kill(2, "before", syscall.SIGKILL), kill(2, "afterwards", syscall.SIGKILL),
		kill(2, "watcher", syscall.SIGKILL), kill(2, "spawn", syscall.SIGKILL),
		kill(5, "main", syscall.SIGSTOP), kill(5, "shim", syscall.SIGSTOP), kill(2, "child", syscall.SIGSTOP),
		kill(2, "watcher", syscall.SIGSTOP), kill(2, "run", syscall.SIGSTOP), kill(1, "spawn", syscall.SIGSTOP), kill(2, "check", syscall.SIGSTOP),
		kill(3, "main", syscall.SIGTERM), kill(2, "shim", syscall.SIGTERM), kill(3, "main", syscall.SIGUSR2), kill(2, "main", syscall.SIGHUP),
		kill(5, "main", syscall.SIGUSR1),
		{4, func(context.Context) error { return s.replaceNode(syscall.SIGKILL) }},
		{2, func(context.Context) error { return s.replaceNode(syscall.SIGTERM) }},
		{2, func(context.Context) error { return s.fill() }},
		{3, func(context.Context) error { return s.sicken() }},
		{7, func(context.Context) error { return s.change() }},
		{4, intend(meshosv1.DaemonIntent_INTENT_STOP)},
		{4, intend(meshosv1.DaemonIntent_INTENT_RUN)},
		{1, intend(meshosv1.DaemonIntent_INTENT_UNSPECIFIED)},
		{4, func(ctx context.Context) error {
			if d := s.any(); d != nil && s.node != nil {
				s.restart(ctx, d)
			}
			return nil
		}},
		{2, func(ctx context.Context) error {
			if s.node != nil {
				_ = s.drain(ctx, !s.drained)
			}
			return nil
		}},
	}
}

// chaos does bad things for a time.
func (s *stage) chaos(ctx context.Context, length time.Duration) error {
	if err := os.WriteFile(s.path("marks/chaos"), nil, 0o600); err != nil {
		return err
	}
	acts, total := s.acts(), 0
	for _, a := range acts {
		total += a.weight
	}
	for end := time.Now().Add(length); time.Now().Before(end) && ctx.Err() == nil; {
		n := s.rand.IntN(total)
		for _, a := range acts {
			if n -= a.weight; n < 0 {
				if err := a.do(ctx); err != nil {
					return err
				}
				break
			}
		}
		if err := s.pause(ctx, time.Duration(20+s.rand.IntN(200))*time.Millisecond); err != nil {
			return err
		}
	}
	s.history.add("peace")
	return errors.Join(os.Remove(s.path("marks/chaos")), s.undo(), ctx.Err())
}

// pause waits, and does what is due meanwhile.
func (s *stage) pause(ctx context.Context, length time.Duration) error {
	for end := time.Now().Add(length); ; {
		for i := 0; i < len(s.due); i++ {
			if time.Now().Before(s.due[i].at) {
				continue
			}
			what := s.due[i].what
			s.due = slices.Delete(s.due, i, i+1)
			i--
			if err := what(); err != nil {
				return err
			}
		}
		if err := s.alive(); err != nil || ctx.Err() != nil || !time.Now().Before(end) {
			return errors.Join(err, ctx.Err())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// later does something after a random time of at most so long.
func (s *stage) later(most time.Duration, what func() error) {
	s.due = append(s.due, due{time.Now().Add(time.Duration(s.rand.Int64N(int64(most)))), what})
}

// undo does all that is due later.
func (s *stage) undo() (err error) {
	all := s.due
	s.due = nil
	for _, d := range all {
		err = errors.Join(err, d.what())
	}
	return err
}
