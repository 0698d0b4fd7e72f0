package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

const (
	// feedTimeout bounds one attempt to tell the loop something.
	feedTimeout = 5 * time.Second
	// flushTimeout is what an appender gets at the end for what is left.
	flushTimeout = 2 * time.Second
)

// follower brings records to one appender. All but held belongs to its goroutine.
type follower struct {
	appender Appender
	name     string
	chains   []mesh.RecordChain // in the order of allChains
	reader   Reader
	feed     Feed
	timeout  time.Duration
	log      *slog.Logger
	failures *atomic.Uint64
	advanced func() // says that held moved

	// held is, per chain, the seq through which the appender holds the records.
	held [len(marks{})]atomic.Uint64

	cursor marks
	unsent *batch // was not answered, and goes again as it is
	outage outage
	missed [len(marks{})]missed
}

// run follows until ctx ends, and then brings what is left.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := f.reader.Changed()
		f.report(ctx)
		if !f.take() {
			wait(ctx, changed, nil)
			continue
		}
		err := f.send(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		away := errors.Is(err, ErrAway)
		if !away {
			f.failures.Add(1)
		}
		retry := time.NewTimer(f.outage.failed(time.Now(), err, away))
		f.report(ctx)
		wait(ctx, nil, retry.C)
		retry.Stop()
	}
	f.flush(ctx)
}

// take makes sure that there is a batch to send, and says false if there is
// nothing to send.
func (f *follower) take() bool {
	if f.unsent != nil {
		return true
	}
	s := f.reader.Latest()
	if s == nil {
		return false
	}
	b := collect(s, f.chains, f.cursor)
	for _, c := range f.chains {
		f.missed[c].overrun += b.overrun[c]
		f.missed[c].tooLarge += b.tooLarge[c]
	}
	if b.through == f.cursor {
		return false
	}
	f.unsent = &b
	return true
}

// send brings the batch to the appender and moves on when it has it.
func (f *follower) send(ctx context.Context) error {
	if len(f.unsent.records) > 0 {
		if err := f.append(ctx); err != nil {
			return err
		}
	}
	f.cursor, f.unsent = f.unsent.through, nil
	for _, c := range f.chains {
		f.held[c].Store(f.cursor[c])
	}
	if f.outage.over() {
		f.log.Info("an appender stores records again", "appender", f.name)
	}
	f.advanced()
	return nil
}

// append is one call. A panic is a failed one.
func (f *follower) append(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the appender panicked: %v", v)
		}
	}()
	return f.appender.Append(ctx, f.unsent.records)
}

// report says what has to be said. What can't be said now is kept.
func (f *follower) report(ctx context.Context) {
	now := time.Now()
	if f.outage.due(now) && f.tell(ctx, fmt.Sprintf("%s stores no %s; they wait in memory, and it is tried again: %v",
		f.name, names(f.chains), f.outage.err)) {
		f.outage.told(now)
	}
	for _, c := range f.chains {
		if f.missed[c].due(now) && f.tell(ctx, f.missed[c].reason(f.name, c)) {
			f.missed[c].told(now)
		}
	}
}

func (f *follower) tell(ctx context.Context, reason string) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := f.feed.Report(ctx, mesh.FailureReport{Source: "appender:" + f.name, Reason: reason})
	if err != nil {
		f.log.Debug("a failure report was not taken", "appender", f.name, "report", reason, "error", err)
	}
	return err == nil
}

// flush brings the records of the node's last moments to an appender that was
// well until then.
func (f *follower) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	for !f.outage.on() && f.take() {
		if err := f.send(ctx); err != nil {
			f.log.Warn("the last records were not stored", "appender", f.name, "error", err)
			return
		}
	}
}

// wait returns at the first of the three. A nil channel never is.
func wait(ctx context.Context, changed <-chan struct{}, timer <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer:
	}
}
