package loop

import (
	"context"
	"sync"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
)

// Run runs the loop until it comes to a Shutdown event or a command to end the node, ctx
// is done, or the last handle is closed and everything queued is folded. Then it returns
// nil, or an *AbandonedError if calls to probes or plugins did not return. The first tick
// is due one interval from now.
func (l *Loop) Run(ctx context.Context, hooks Hooks) error {
	if l.started.Swap(true) {
		return ErrStarted
	}
	l.hooks = hooks
	callCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.calls = newCallGroup()
	l.poll = newPoll(callCtx, l.calls, l.cfg.ProbeBudget)
	l.aborts = newAborts(callCtx, l.calls, &l.slots, l.Feed(), l.cfg.Operators)
	woken := make(chan struct{})
	go func() {
		defer close(woken)
		var records sync.WaitGroup
		records.Go(l.records.wake)
		l.broadcast.wake()
		records.Wait()
	}()

	l.iterate(ctx)

	l.publishRecords()
	l.events.close()
	l.inputs.close()
	l.reads.close()
	close(l.actions)
	cancel()
	abandoned := l.calls.wait(cancelGrace)
	close(l.broadcast.wakeups)
	close(l.records.wakeups)
	<-woken
	close(l.broadcast.done)
	close(l.records.done)
	if len(abandoned) > 0 {
		return &AbandonedError{Calls: abandoned}
	}
	return nil
}

// iterate is the loop itself. Each iteration runs a tick if one is due, and then folds
// one chunk of what is queued, so that neither can starve the other.
func (l *Loop) iterate(ctx context.Context) {
	l.due = time.Now().Add(l.cfg.TickInterval)
	l.timer = time.NewTimer(l.cfg.TickInterval)
	defer l.timer.Stop()
	for {
		if !l.tickIfDue(ctx) {
			return
		}
		now := time.Now()
		folded, goOn := l.fold(ctx, now)
		if !goOn {
			return
		}
		if folded > 0 {
			continue
		}
		l.timer.Reset(l.wakeAt().Sub(now))
		select {
		case <-l.timer.C:
		case <-l.open.answered():
		case <-l.soon:
			l.early.wanted = true
		case <-l.begin:
			if l.first.began.IsZero() && l.open == nil {
				l.due = now
			}
		case <-l.events.ready:
		case <-l.inputs.ready:
		case <-l.reads.timer.C:
		case request := <-l.reads.next(now):
			l.reads.serve(request)
		case <-ctx.Done():
			return
		}
	}
}

// publishRecords publishes the records that were made since the last tick, so that the
// appenders miss none. All else in the snapshot stays as it was: there is no pass.
func (l *Loop) publishRecords() {
	if !l.unpublished {
		return
	}
	last := *l.Reader().Latest()
	l.core.Read(func(s *state.State) { takeRecords(&last, s) })
	l.broadcast.publish(&last)
	l.records.publish(&last)
}

// publishCommands publishes the records alone, if a command is among what was folded since
// they were published last. Whoever waits until the record of a command is on disk waits for
// no tick.
func (l *Loop) publishCommands() {
	if !l.unrecorded {
		return
	}
	l.unrecorded = false
	latest := l.Reader().Latest()
	records := &snapshot.Snapshot{Node: latest.Node, Epoch: latest.Epoch}
	l.core.Read(func(s *state.State) { takeRecords(records, s) })
	l.records.publish(records)
}

func takeRecords(out *snapshot.Snapshot, s *state.State) {
	out.Audit, out.Logs, out.Failures, out.Actions = s.Audit(), s.Logs(), s.Failures(), s.Actions()
}

// fold serves one state read and folds up to one chunk of each queue, all stamped with
// now. It returns how much it folded, and false when the loop is to end.
func (l *Loop) fold(ctx context.Context, now time.Time) (folded int, goOn bool) {
	l.reads.serveNext(now)
	at := l.stamp(now)
	fed := l.foldInputs(ctx, at)
	heard, goOn := l.foldEvents(ctx, at)
	l.count.events.Add(uint64(heard))
	l.publishCommands()
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

// foldEvents returns false when it came to a Shutdown, or to a command to end the node.
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
				l.unrecorded = true
				c.folded <- l.newestAudit()
			} else {
				l.apply(at, mesh.Heard{Event: ev})
			}
			folded++
			if l.ending {
				return folded, false
			}
		}
	}
	return folded, true
}

// apply folds one input and carries out its effects.
func (l *Loop) apply(at mesh.Stamp, in mesh.Input) {
	l.unpublished = true
	if l.hooks.Recorder != nil {
		l.record(at, func(r Recorder) { r.Input(at, in) })
	}
	for _, effect := range l.core.Apply(at, in) {
		switch effect := effect.(type) {
		case state.AbortMigration:
			if report, failed := l.aborts.start(effect.Migration, effect.Reason); failed {
				l.apply(at, report)
			}
		case state.EndNode:
			l.ending = true
		case state.PassSoon:
			l.early.wanted = true
		}
	}
}

// newestAudit returns the audit record of the command that was folded just now.
func (l *Loop) newestAudit() (out mesh.AuditRecord) {
	l.core.Read(func(s *state.State) {
		if audit := s.Audit(); len(audit) > 0 {
			out = audit[len(audit)-1]
		}
	})
	return out
}
