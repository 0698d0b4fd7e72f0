package loop

import (
	"context"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Run runs the loop until a Shutdown event is folded, ctx is done, or the last
// handle is closed and the backlog folded. It returns nil then, or an
// AbandonedError when calls to the outside did not come back. The first tick is
// due one interval from now.
func (l *Loop) Run(ctx context.Context, hooks Hooks) error {
	if l.started.Swap(true) {
		return ErrStarted
	}
	l.hooks = hooks
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	l.crew = newCrew()
	l.poll = newPoll(calls, l.crew, l.cfg.ProbeBudget)
	l.aborts = newAborts(calls, l.crew, &l.slots, l.Feed(), l.cfg.Operators)
	heralded := make(chan struct{})
	go func() {
		defer close(heralded)
		l.board.herald()
	}()

	l.turn(ctx)

	l.showRecords()
	l.events.close()
	l.inputs.close()
	l.looks.close()
	close(l.actions)
	cancel()
	abandoned := l.crew.wait(leaveGrace)
	close(l.board.stale)
	<-heralded
	close(l.board.done)
	if len(abandoned) > 0 {
		return &AbandonedError{Calls: abandoned}
	}
	return nil
}

// turn is the loop itself. Per round it runs a tick if one is due, and then folds
// one chunk of what is queued: so neither can keep the other from its turn.
func (l *Loop) turn(ctx context.Context) {
	due := time.Now().Add(l.cfg.TickInterval)
	l.timer = time.NewTimer(l.cfg.TickInterval) // after due: it must not fire before
	defer l.timer.Stop()
	for {
		now := time.Now()
		if !now.Before(due) {
			if !l.tick(ctx, now) {
				return
			}
			now = time.Now()
			due = now.Add(l.cfg.TickInterval)
			l.timer.Reset(l.cfg.TickInterval)
		}
		folded, goOn := l.fold(ctx, now)
		if !goOn {
			return
		}
		if folded > 0 {
			continue
		}
		select {
		case <-l.timer.C:
		case <-l.events.ready:
		case <-l.inputs.ready:
		case <-l.looks.turn.C:
		case wish := <-l.looks.next(now):
			l.looks.serve(wish)
		case <-ctx.Done():
			return
		}
	}
}

// showRecords shows the records that were left since the last tick, so that those who
// store them miss none. All else in the snapshot stays as it was: there is no pass.
func (l *Loop) showRecords() {
	if !l.unshown {
		return
	}
	last := *l.Reader().Latest()
	now := l.core.Snapshot(l.stamp(time.Now()))
	last.Audit, last.Logs, last.Failures, last.Actions = now.Audit, now.Logs, now.Failures, now.Actions
	l.board.publish(&last)
}

// fold folds up to one chunk of each queue, all stamped with now, and lets one in
// who wants to look between. It says how much it folded, and false when the loop is
// to end.
func (l *Loop) fold(ctx context.Context, now time.Time) (folded int, goOn bool) {
	l.looks.one(now)
	at := l.stamp(now)
	fed := l.foldInputs(ctx, at)
	heard, goOn := l.foldEvents(ctx, at)
	l.count.events.Add(uint64(heard))
	if !goOn || ctx.Err() != nil {
		return fed + heard, false
	}
	return fed + heard, fed+heard > 0 || !l.events.drained
}

func (l *Loop) foldInputs(ctx context.Context, at mesh.Stamp) (folded int) {
	for folded < chunk {
		ins := l.inputs.next(chunk - folded)
		if len(ins) == 0 {
			return folded
		}
		for _, in := range ins {
			if ctx.Err() != nil {
				return folded
			}
			l.apply(at, in)
			folded++
		}
	}
	return folded
}

// foldEvents says false when it came to a Shutdown.
func (l *Loop) foldEvents(ctx context.Context, at mesh.Stamp) (folded int, goOn bool) {
	for folded < chunk {
		evs := l.events.next(chunk - folded)
		if len(evs) == 0 {
			return folded, true
		}
		for _, ev := range evs {
			if _, ok := ev.(mesh.Shutdown); ok {
				return folded, false
			}
			if ctx.Err() != nil {
				return folded, true
			}
			if c, ok := ev.(command); ok {
				l.apply(at, c.input)
				c.folded <- l.newestAudit()
			} else {
				l.apply(at, mesh.Heard{Event: ev})
			}
			folded++
		}
	}
	return folded, true
}

// apply folds one input and has its effects carried out.
func (l *Loop) apply(at mesh.Stamp, in mesh.Input) {
	l.unshown = true
	if l.hooks.Recorder != nil {
		l.record(at, func(r Recorder) { r.Input(at, in) })
	}
	for _, effect := range l.core.Apply(at, in) {
		switch effect := effect.(type) {
		case state.AbortMigration:
			if report, failed := l.aborts.start(effect.Migration); failed {
				l.apply(at, report)
			}
		}
	}
}

// newestAudit gives the audit record of the command that was folded just now.
func (l *Loop) newestAudit() (out mesh.AuditRecord) {
	l.core.Look(func(s *state.State) {
		if audit := s.Audit(); len(audit) > 0 {
			out = audit[len(audit)-1]
		}
	})
	return out
}
