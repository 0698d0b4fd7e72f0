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
	"github.com/meshos/meshos/internal/guard"
)

// feedTimeout bounds one attempt to report something to the loop.
const feedTimeout = 5 * time.Second

// follower brings records to one subscriber. It belongs to its goroutine.
type follower struct {
	*subscriber
	logs     perChain[*durable.Log]
	progress *progress
	file     cursorFile
	witness  cursorFile // the same outside the folder of the records, which may be replaced
	feed     Feed
	timeout  time.Duration
	log      *slog.Logger
	failures *atomic.Uint64
	advanced func() // called when the appender holds more

	readers perChain[*chainReader]
	cursors perChain[cursor]
	moved   perChain[time.Time] // when the cursors moved last
	unacked *batch              // was sent and not acknowledged; it goes again as it is
	outage  outage
	losses  perChain[losses]
	reports []string // that the loop did not take yet

	lastReport   string
	lastReportAt time.Time

	savedCursors perChain[cursor]
	savedAt      time.Time // when saving was last tried
	witnessedAt  time.Time // when the witness was last written
	saveFailedAt time.Time // when it was last logged that saving failed; zero while it works
}

func newFollower(r *Records, s *subscriber, feed Feed) *follower {
	return &follower{
		subscriber: s, logs: r.logs, progress: r.progress, feed: feed, timeout: r.opts.Timeout, log: r.opts.Log,
		file:     cursorFile{path: filepath.Join(r.opts.Dir, cursorsName, s.name)},
		witness:  r.witness(s.name),
		failures: &r.failures, advanced: r.wake,
	}
}

// witness returns the file that tells what an appender was given, whatever becomes of the folder
// of the records.
func (r *Records) witness(appender string) cursorFile {
	if r.opts.WitnessDir == "" {
		return cursorFile{}
	}
	return cursorFile{path: filepath.Join(r.opts.WitnessDir, appender)}
}

// run follows the logs until ctx ends. Then it delivers what is left, until the context
// delivering ends too.
func (f *follower) run(ctx, delivering context.Context) {
	f.resume()
	defer func() {
		for _, c := range f.chains {
			f.readers[c].in.Close()
		}
	}()
	for ctx.Err() == nil {
		more := f.progress.nextRound() // before the logs are read, so that no round is missed
		f.sendReports(ctx)
		if !f.fillBatch() {
			f.idle(ctx, more)
			continue
		}
		err := f.send(ctx)
		if err == nil || ctx.Err() != nil {
			f.saveCursors(false)
			continue
		}
		maxPause := maxAway
		if !errors.Is(err, ErrAway) {
			maxPause = maxRetry
			f.failures.Add(1)
		}
		retry := time.NewTimer(f.outage.failed(time.Now(), err, maxPause))
		f.sendReports(ctx)
		wait(ctx, nil, retry.C)
		retry.Stop()
	}
	f.finish(delivering)
}

// idle waits until more is on disk. Cursors that moved are saved meanwhile.
func (f *follower) idle(ctx context.Context, more <-chan struct{}) {
	if f.savedCursors == f.cursors {
		wait(ctx, more, nil)
		return
	}
	timer := time.NewTimer(f.saveIn())
	defer timer.Stop()
	wait(ctx, more, timer.C)
	f.saveCursors(false)
}

// fillBatch reads the next batch unless one is unacknowledged, and reports whether there is
// one to send.
func (f *follower) fillBatch() bool {
	if f.unacked != nil {
		return true
	}
	b := batch{through: f.cursors}
	for _, c := range f.chains {
		if f.readers[c].fill(&b, c) {
			break
		}
	}
	if b.through == f.cursors {
		return false
	}
	f.unacked = &b
	return true
}

// send brings the batch to the appender, and moves the cursors if the appender stored it.
func (f *follower) send(ctx context.Context) error {
	if len(f.unacked.records) > 0 {
		if err := f.append(ctx); err != nil {
			return err
		}
	}
	before, now := f.cursors, time.Now().UTC().Round(0)
	f.cursors, f.unacked = f.unacked.through, nil
	for _, c := range f.chains {
		if f.cursors[c] != before[c] {
			f.moved[c] = now
		}
		f.number[c].Store(f.cursors[c].Number)
		if epoch, _ := f.progress.position(c); f.cursors[c].Epoch == epoch {
			f.held[c].Store(f.cursors[c].Seq)
		}
	}
	if f.outage.end() {
		f.log.Info("an appender stores records again", "appender", f.name)
	}
	f.advanced()
	return nil
}

// append is one call. A panic is a call that failed.
func (f *follower) append(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	err := guard.Call(func() error { return f.appender.Append(ctx, f.unacked.records) })
	if panicked := (*guard.PanicError)(nil); errors.As(err, &panicked) {
		return fmt.Errorf("the appender %w", panicked)
	}
	return err
}

// finish delivers the records of the node's last moments to an appender that was well
// until then, and logs how many the appender does not hold.
func (f *follower) finish(ctx context.Context) {
	err := f.outage.err
	for err == nil && ctx.Err() == nil && f.fillBatch() {
		err = f.send(ctx)
	}
	f.saveCursors(true)
	if waiting := f.waiting(); waiting > 0 {
		f.log.Warn("the node ends before an appender stored all records; the others wait on the node's disk",
			"appender", f.name, "waiting", waiting, "error", cmp.Or(err, context.Cause(ctx)))
	}
}

// waiting counts the entries on disk that the appender does not hold.
func (f *follower) waiting() (n uint64) {
	for _, c := range f.chains {
		next := f.logs[c].Next()
		n += next - min(next, max(f.cursors[c].Number+1, f.logs[c].Oldest()))
	}
	return n
}

// sendReports reports to the loop what is due. What the loop does not take now is kept.
func (f *follower) sendReports(ctx context.Context) {
	now := time.Now()
	if f.outage.due(now, reportAfter) && f.sendReport(ctx, fmt.Sprintf("%s can't store %s; they wait on the node's disk for the next attempt: %v",
		f.name, names(f.chains), f.outage.err)) {
		f.outage.reported(now)
	}
	for len(f.reports) > 0 && f.sendReport(ctx, f.reports[0]) {
		f.reports = f.reports[1:]
	}
	for _, c := range f.chains {
		if f.losses[c].due(now) && f.sendReport(ctx, f.losses[c].ofAppender(f.name, c)) {
			f.losses[c].reported(now)
		}
	}
}

func (f *follower) sendReport(ctx context.Context, reason string) bool {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	err := f.feed.Report(ctx, mesh.FailureReport{Source: "appender:" + f.name, Reason: reason})
	if err != nil {
		f.log.Debug("a failure report was not taken", "appender", f.name, "report", reason, "error", err)
	}
	return err == nil
}

// queueReport logs something and keeps it to be reported. The same text is reported once a
// minute at most: a disk that can't be read fails each time.
func (f *follower) queueReport(text string) {
	now := time.Now()
	if text == f.lastReport && now.Sub(f.lastReportAt) < reportEvery {
		return
	}
	f.lastReport, f.lastReportAt = text, now
	f.log.Warn("an appender misses records or gets them again", "appender", f.name, "what", text)
	f.reports = append(f.reports, text)
	f.reports = f.reports[max(0, len(f.reports)-maxReports):]
}

// wait returns at the first of the three. A nil channel never fires.
func wait(ctx context.Context, changed <-chan struct{}, timer <-chan time.Time) {
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer:
	}
}
