package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
)

const (
	// feedTimeout bounds one attempt to tell the loop something.
	feedTimeout = 5 * time.Second
	// saveEvery is how far apart the savings of an appender's cursors are at least.
	saveEvery = time.Second
)

// follower brings records to one subscriber. It belongs to its goroutine.
type follower struct {
	*subscriber
	logs     [len(marks{})]*durable.Log
	progress *progress
	cursors  cursorFile
	feed     Feed
	timeout  time.Duration
	log      *slog.Logger
	failures *atomic.Uint64
	advanced func() // is called when held moved

	supplies  [len(marks{})]*supply
	cursor    [len(marks{})]place
	saved     [len(marks{})]place
	savedAt   time.Time // when it was last tried
	unsavedAt time.Time // when it was last said that it failed
	unsent    *batch    // was not answered, and goes again as it is
	outage    outage
	missed    [len(marks{})]missed
	said      []string // to be reported

	lastSaid   string
	lastSaidAt time.Time
}

func newFollower(r *Records, s *subscriber, feed Feed) *follower {
	return &follower{
		subscriber: s, logs: r.logs, progress: r.progress, feed: feed, timeout: r.opts.Timeout, log: r.opts.Log,
		cursors:  cursorFile{path: filepath.Join(r.opts.Dir, cursorsName, s.name)},
		failures: &r.failures, advanced: r.wake,
	}
}

// run follows until ctx ends. Then it delivers what is left, until the context delivering
// ends too.
func (f *follower) run(ctx, delivering context.Context) {
	f.resume()
	defer func() {
		for _, c := range f.chains {
			f.supplies[c].in.Close()
		}
	}()
	for ctx.Err() == nil {
		changed := f.progress.nextRound()
		f.report(ctx)
		if !f.take() {
			f.rest(ctx, changed)
			continue
		}
		err := f.send(ctx)
		if err == nil || ctx.Err() != nil {
			f.save(false)
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
	f.finish(delivering)
}

// rest waits for more to be on disk. Cursors that moved are saved meanwhile.
func (f *follower) rest(ctx context.Context, changed <-chan struct{}) {
	if f.saved == f.cursor {
		wait(ctx, changed, nil)
		return
	}
	timer := time.NewTimer(f.saveIn())
	defer timer.Stop()
	wait(ctx, changed, timer.C)
	f.save(false)
}

// take makes sure that there is a batch to send, and says false if there is
// nothing to send.
func (f *follower) take() bool {
	if f.unsent != nil {
		return true
	}
	b := batch{through: f.cursor}
	for _, c := range f.chains {
		if f.supplies[c].fill(&b, c) {
			break
		}
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
		f.number[c].Store(f.cursor[c].Number)
		if epoch, _ := f.progress.now(c); f.cursor[c].Epoch == epoch {
			f.held[c].Store(f.cursor[c].Seq)
		}
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
	if f.outage.due(now) && f.tell(ctx, fmt.Sprintf("%s stores no %s; they wait on the node's disk, and it is tried again: %v",
		f.name, names(f.chains), f.outage.err)) {
		f.outage.told(now)
	}
	for len(f.said) > 0 && f.tell(ctx, f.said[0]) {
		f.said = f.said[1:]
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

// finish delivers the records of the node's last moments to an appender that was well
// until then, and logs how many the appender does not hold.
func (f *follower) finish(ctx context.Context) {
	err := f.outage.err
	for err == nil && ctx.Err() == nil && f.take() {
		err = f.send(ctx)
	}
	f.save(true)
	if waiting := f.waiting(); waiting > 0 {
		f.log.Warn("the node ends before an appender stored all records; the others wait on the node's disk",
			"appender", f.name, "waiting", waiting, "error", cmp.Or(err, context.Cause(ctx)))
	}
}

// waiting counts the entries on disk that the appender does not hold.
func (f *follower) waiting() (n uint64) {
	for _, c := range f.chains {
		next := f.logs[c].Next()
		n += next - min(next, max(f.cursor[c].Number+1, f.logs[c].Oldest()))
	}
	return n
}

// wait returns at the first of the three. A nil channel never is.
func wait(ctx context.Context, changed <-chan struct{}, timer <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer:
	}
}
