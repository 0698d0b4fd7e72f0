package catalog

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/meshos/meshos/host/process"
)

// watch looks after a process that takes calls, and returns when the process has ended:
// by itself, because it hung, or because ctx has ended.
func (s *slot) watch(ctx context.Context, i *instance) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		check, lags := s.machine.nextCheck()
		hung, reason := s.machine.hung(s.opts.Now()), s.machine.reason
		s.mu.Unlock()
		if s.outdated(i) {
			s.replace(i)
			return
		}
		if hung {
			s.abortHung(i, reason)
			return
		}
		wait := s.maintain(i)
		if lags {
			wait = min(wait, check.Sub(s.opts.Now()))
		}
		timer.Reset(max(0, wait))
		select {
		case <-i.proc.Done():
			s.endedUnexpectedly(i)
			return
		case <-ctx.Done():
			s.detach()
			s.step(func(m *machine, now time.Time) { m.stop(now) })
			s.ended(i.stop(s.opts.DrainTimeout))
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// maintain does what a running process needs although nobody calls it. It does not wait,
// and returns after how long it has to be called again at the latest.
func (s *slot) maintain(i *instance) time.Duration {
	s.output.ReportIfDue()
	s.mu.Lock()
	isReady := s.machine.phase == ready && s.instance == i
	s.mu.Unlock()
	if !isReady {
		return s.opts.KeepaliveEvery // the slot is woken when that changes
	}
	return min(s.keepalive(i), s.resendPeers(i))
}

// abortHung ends a process that has lagged for too long, for the reason why it lags.
func (s *slot) abortHung(i *instance, reason string) {
	s.detach()
	exit := i.abort()
	s.ended(exit)
	s.fail(s.newError("call", fmt.Sprintf("it hung: %s, nor within %v after that; aborted (%v)", reason, s.opts.HangTimeout, exit),
		"its stack is in the log and shows where", nil))
}

// endedUnexpectedly records that a process has ended although nobody ended it.
func (s *slot) endedUnexpectedly(i *instance) {
	s.detach()
	i.awaitOutput()
	exit := i.proc.Exit()
	s.ended(exit)
	message := s.lastMessage()
	if exit.Signal == syscall.SIGKILL {
		message = "" // what it wrote last does not explain that
	}
	s.fail(s.newError("run", fmt.Sprintf("it ended unexpectedly: %v%s", exit, message), s.seeLastLines(), nil))
	i.free()
}

// detach closes the process to callers.
func (s *slot) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance = nil
}

// ended records how a process ended.
func (s *slot) ended(exit process.Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid, s.lastExit = 0, exit.String()
	s.machine.note(s.opts.Now(), "ended: "+exit.String())
}

// setProcess notes the latest process.
func (s *slot) setProcess(p *process.Process) {
	s.sessions.add(p.Pid())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pid, s.process = p.Pid(), p
}
