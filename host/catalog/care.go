package catalog

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/meshos/meshos/host/mesh"
)

// The pause before a probe that could not be told its peers is told them again
// doubles from the first to the last.
const (
	firstTellAgain = time.Second
	lastTellAgain  = time.Minute
)

// care does what a running process needs although nobody calls it: one that was not
// asked for a while is asked for a sign of life, so that one that hangs is found
// before it is needed; a probe is told the peers that it missed; and what was left out
// of the log is said. It does not wait, and says when to be called again at the latest.
func (s *slot) care(i *instance) time.Duration {
	s.output.ReportSuppressedIfDue()
	next := s.opts.PulseEvery
	s.mu.Lock()
	isReady := s.machine.phase == ready && s.instance == i
	s.mu.Unlock()
	if !isReady {
		return next // it is called again when that changes
	}
	if i.out.Load() == 0 {
		next = i.quietFor(time.Now(), s.opts.PulseEvery)
		if next <= 0 {
			s.pulse(i)
			next = s.opts.PulseEvery
		}
	}
	if !s.behind(i) {
		i.tellAgain = 0
		return next
	}
	if wait := time.Until(i.tellNext); wait > 0 {
		return min(next, wait)
	}
	s.catchUp(i)
	i.tellAgain = min(max(2*i.tellAgain, firstTellAgain), lastTellAgain)
	i.tellNext = time.Now().Add(i.tellAgain)
	return min(next, i.tellAgain)
}

// touch notes that the process was asked, or has answered.
func (i *instance) touch(now time.Time) { i.heard.Store(int64(now.Sub(i.since))) }

// quietFor is how long the process may still stay unasked.
func (i *instance) quietFor(now time.Time, every time.Duration) time.Duration {
	return every - (now.Sub(i.since) - time.Duration(i.heard.Load()))
}

// pulse asks for a sign of life. Any answer is one, also that it does not know the
// question; it counts as no call.
func (s *slot) pulse(i *instance) {
	i.touch(time.Now())
	i.calls.Add(1)
	c := s.newCall(i, "Health.Check", s.pollTimeout())
	c.quiet = true
	c.start(func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
		return err
	}, i.calls.Done)
}

// catchUp tells a probe the peers that it missed.
func (s *slot) catchUp(i *instance) {
	if !i.telling.CompareAndSwap(false, true) {
		return
	}
	i.calls.Add(1)
	go func() {
		defer i.calls.Done()
		defer i.telling.Store(false)
		if err := s.tellPeers(i.ctx, i); err != nil {
			s.opts.Log(mesh.LevelDebug, s.entry.Name, err.Error())
		}
	}()
}
