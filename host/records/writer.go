package records

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/snapshot"
)

const (
	// retainEvery is how often what is too old or too much is dropped.
	retainEvery = 10 * time.Second
	// reportTimeout bounds how long the writer is held up by a report.
	reportTimeout = 200 * time.Millisecond
)

// writer brings what the snapshots show to disk. It belongs to its goroutine.
type writer struct {
	reader   Reader
	feed     Feed
	log      *slog.Logger
	logs     [len(marks{})]*durable.Log
	progress *progress
	advanced func()       // is called when more is on disk
	stuck    *atomic.Bool // audit records can't be written

	written  marks
	outages  [len(marks{})]outage
	retryAt  [len(marks{})]time.Time
	missed   [len(marks{})]missed
	reports  []string // that were not taken yet
	retained time.Time
}

func newWriter(r *Records, node Node) *writer {
	return &writer{
		reader: node.Reader, feed: node.Feed, log: r.opts.Log, logs: r.logs,
		progress: r.progress, advanced: r.wake, stuck: &r.auditStuck,
	}
}

// run writes until ctx ends, and then what is left.
func (w *writer) run(ctx context.Context) {
	defer w.progress.end()
	w.found()
	for ctx.Err() == nil {
		changed := w.reader.Changed()
		w.pass(time.Now())
		w.tell(ctx)
		retry, stop := w.retry()
		wait(ctx, changed, retry)
		stop()
	}
	w.retryAt = [len(marks{})]time.Time{} // the last chance
	w.pass(time.Now())
}

// retry gives what fires when a failed write is to be tried again.
func (w *writer) retry() (<-chan time.Time, func()) {
	var first time.Time
	for _, at := range w.retryAt {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if first.IsZero() {
		return nil, func() {}
	}
	timer := time.NewTimer(time.Until(first))
	return timer.C, func() { timer.Stop() }
}

// pass writes what the newest snapshot brings: first all chains, then it syncs all.
func (w *writer) pass(now time.Time) {
	s := w.reader.Latest()
	if s == nil {
		return
	}
	if epoch, _ := w.progress.now(0); epoch == 0 {
		w.progress.begin(s.Epoch)
	}
	var groups [len(marks{})]group
	for _, c := range allChains() {
		if now.Before(w.retryAt[c]) {
			continue
		}
		w.retryAt[c] = time.Time{}
		g, err := w.append(s, c, now)
		if err != nil {
			w.failed(c, err, now)
			continue
		}
		groups[c] = g
	}
	wrote := false
	for _, c := range allChains() {
		if len(groups[c].entries) == 0 {
			continue
		}
		if err := w.logs[c].Sync(); err != nil {
			w.failed(c, err, now)
			continue
		}
		w.wrote(c, groups[c])
		wrote = true
	}
	if wrote {
		w.progress.round()
	}
	w.found()
	w.retain(now)
}

func (w *writer) append(s *snapshot.Snapshot, c mesh.RecordChain, now time.Time) (group, error) {
	g, err := newer(s, c, w.written[c], now)
	if err != nil {
		return group{}, err
	}
	return g, w.logs[c].Append(g.entries)
}

// wrote notes that a group is durable.
func (w *writer) wrote(c mesh.RecordChain, g group) {
	w.written[c] = g.through
	for _, s := range g.lost {
		w.missed[c].overrun += s.len()
	}
	w.missed[c].tooLarge += uint64(len(g.large))
	if w.outages[c].on() {
		w.log.Info("records are written again", "chain", c.String())
	}
	w.outages[c].over()
	if c == mesh.ChainAudit {
		w.stuck.Store(false)
	}
	w.progress.advance(c, g)
	w.advanced()
}

func (w *writer) failed(c mesh.RecordChain, err error, now time.Time) {
	if !w.outages[c].on() {
		w.log.Error("records can't be written; they wait in memory, and it is tried again", "chain", c.String(), "error", err)
	}
	w.retryAt[c] = now.Add(min(w.outages[c].failed(now, err, false), maxWriteRetry))
	if c == mesh.ChainAudit {
		w.stuck.Store(true)
	}
}

// found says what was found wrong on disk.
func (w *writer) found() {
	for _, c := range allChains() {
		for _, f := range w.logs[c].TakeFindings() {
			w.log.Error("records on disk are not whole", "chain", c.String(), "finding", f.Text)
			w.reports = append(w.reports, fmt.Sprintf("%s records: %s", c, f.Text))
		}
	}
	w.reports = w.reports[max(0, len(w.reports)-maxReports):]
}

func (w *writer) retain(now time.Time) {
	if now.Sub(w.retained) < retainEvery {
		return
	}
	w.retained = now
	for _, c := range allChains() {
		if err := w.logs[c].Retain(); err != nil {
			w.log.Warn("old records were not dropped", "chain", c.String(), "error", err)
		}
	}
}

const (
	// maxReports bounds what waits to be reported; the node's own log has it all.
	maxReports = 64
	// maxWriteRetry is how long a disk that is full or broken is left alone.
	maxWriteRetry = 2 * time.Second
)

// tell reports what has to be. What can't be said now is kept.
func (w *writer) tell(ctx context.Context) {
	now := time.Now()
	for len(w.reports) > 0 && w.report(ctx, w.reports[0]) {
		w.reports = w.reports[1:]
	}
	for _, c := range allChains() {
		o, m := &w.outages[c], &w.missed[c]
		if o.dueNow(now) && w.report(ctx, fmt.Sprintf("%s records are not written to disk; they wait in memory, and it is tried again: %v", c, o.err)) {
			o.told(now)
		}
		if m.due(now) && w.report(ctx, m.lost(c)) {
			m.told(now)
		}
	}
}

func (w *writer) report(ctx context.Context, reason string) bool {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	err := w.feed.Report(ctx, mesh.FailureReport{Source: "records", Reason: reason})
	if err != nil {
		w.log.Debug("a failure report was not taken", "report", reason, "error", err)
	}
	return err == nil
}
