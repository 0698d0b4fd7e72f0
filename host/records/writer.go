package records

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/snapshot"
)

// reportTimeout bounds how long a report delays the writer.
const reportTimeout = 200 * time.Millisecond

// writer writes the records of the snapshots to disk. It belongs to its goroutine.
type writer struct {
	reader   Reader
	feed     Feed
	log      *slog.Logger
	logs     perChain[*durable.Log]
	progress *progress
	advanced func()       // called when more is on disk
	stuck    *atomic.Bool // audit records can't be written
	refusals *refusals

	written perChain[uint64]
	held    held
	outages perChain[outage]
	retryAt perChain[time.Time]
	losses  perChain[losses]
	reports []string // that the loop did not take yet
	lines   []string // the same, of log records

	fails *perChain[atomic.Uint64] // writes and syncs that failed
	free  *atomic.Int64            // what the disk has left
	dir   string                   // on that disk

	say       func(mesh.LogLine) error
	recorded  func(mesh.DaemonID, mesh.OutputPlace)
	retention *retention
	retained  time.Time // when old files were last dropped
}

func newWriter(r *Records, node Node) *writer {
	w := &writer{
		reader: node.Reader, feed: node.Feed, log: r.opts.Log, logs: r.logs, say: node.Say, recorded: node.Recorded,
		progress: r.progress, advanced: r.wake, stuck: &r.auditStuck, refusals: &r.refusals,
		fails: &r.writeFails, free: &r.free, dir: r.opts.Dir,
	}
	w.retention = &retention{
		logs: r.logs, keepSize: r.opts.KeepSize, keepAge: r.opts.KeepAge, now: r.opts.Now, elapsed: r.opts.Elapsed, log: r.opts.Log,
		report: func(reason string) { w.reports = append(w.reports, reason) },
		say:    w.note,
	}
	if r.opts.Dir != "" {
		w.retention.path = filepath.Join(r.opts.Dir, clockName)
	}
	return w
}

// note logs a line, and keeps it to become a log record.
func (w *writer) note(line string) {
	w.log.Info(line)
	if w.say != nil {
		w.lines = append(w.lines, line)
		w.lines = w.lines[max(0, len(w.lines)-maxReports):]
	}
}

// run writes until ctx ends, and then the last records.
func (w *writer) run(ctx context.Context) {
	defer w.progress.end()
	w.reportRestored()
	w.collectFindings()
	for ctx.Err() == nil {
		changed := w.reader.Changed()
		w.writeNew(time.Now(), false)
		w.sendReports(ctx)
		retry, stop := w.retry()
		wait(ctx, changed, retry)
		stop()
	}
	w.retryAt = perChain[time.Time]{} // the last chance
	w.writeNew(time.Now(), true)
	w.retention.keep()
}

// retry returns a channel that fires when the next failed write is due again, or the sync of
// lines that are held.
func (w *writer) retry() (<-chan time.Time, func()) {
	first := w.held.until()
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

// writeNew writes what the newest snapshot adds: first it writes all chains, then it syncs all.
// Lines alone may be held, unless it is the last chance.
func (w *writer) writeNew(now time.Time, last bool) {
	s := w.reader.Latest()
	if s == nil {
		return
	}
	if epoch, _ := w.progress.position(0); epoch == 0 {
		w.progress.begin(s.Epoch)
	}
	var groups perChain[group]
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
	// While the disk takes nothing, commands go on, and the newest records are kept in the ring.
	w.progress.took(newestAudit(s))
	groups[mesh.ChainLog] = w.held.group
	if !last && alone(groups, mesh.ChainLog) && w.held.wait(now) {
		groups[mesh.ChainLog] = group{}
	}
	wrote := false
	for _, c := range allChains() {
		if groups[c].n == 0 {
			continue
		}
		if c == mesh.ChainLog {
			w.held = held{synced: now}
		}
		if err := w.logs[c].Sync(); err != nil {
			w.failed(c, err, now)
			continue
		}
		w.committed(c, groups[c])
		wrote = true
	}
	if wrote {
		w.progress.endRound()
	}
	w.collectFindings()
	w.retain(now)
}

func (w *writer) append(s *snapshot.Snapshot, c mesh.RecordChain, now time.Time) (group, error) {
	after := w.written[c]
	if c == mesh.ChainLog {
		after = max(after, w.held.through)
	}
	g, entries, err := newGroup(s, c, after, now)
	if err != nil {
		return group{}, err
	}
	err = w.logs[c].Append(entries)
	if c == mesh.ChainLog {
		if err != nil {
			w.held = held{synced: w.held.synced} // nothing since the last sync counts
		} else {
			w.held.add(g, now)
		}
	}
	return g, err
}

// committed notes that a group is durable.
func (w *writer) committed(c mesh.RecordChain, g group) {
	w.written[c] = g.through
	for _, s := range g.lost {
		w.losses[c].overrun += s.len()
	}
	w.losses[c].tooLarge += uint64(len(g.large))
	if w.outages[c].active() {
		w.log.Info("records are written again", "chain", c.String())
	}
	w.outages[c].end()
	if c == mesh.ChainAudit {
		w.stuck.Store(false)
		w.refusals.add(g.refused)
	}
	w.progress.advance(c, g)
	w.advanced()
	for daemon, place := range g.output {
		if w.recorded != nil {
			w.recorded(daemon, place)
		}
	}
}

func (w *writer) failed(c mesh.RecordChain, err error, now time.Time) {
	w.fails[c].Add(1)
	if !w.outages[c].active() {
		w.log.Error("records can't be written to disk; they wait in memory for the next attempt", "chain", c.String(), "error", err)
	}
	w.retryAt[c] = now.Add(w.outages[c].failed(now, err, maxWriteRetry))
	if c == mesh.ChainAudit {
		w.stuck.Store(true)
	}
}

// collectFindings logs what was found wrong on disk, and keeps it to be reported.
func (w *writer) collectFindings() {
	for _, c := range allChains() {
		for _, f := range w.logs[c].TakeFindings() {
			w.log.Error("records on disk are damaged or incomplete", "chain", c.String(), "finding", f.Text)
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
	w.retention.run()
	w.free.Store(measure(w.dir))
}

// maxReports bounds how many reports wait for the loop; the process's own log has all.
const maxReports = 64

// sendReports reports to the loop what is due. What the loop does not take now is kept.
func (w *writer) sendReports(ctx context.Context) {
	now := time.Now()
	for len(w.reports) > 0 && w.sendReport(ctx, w.reports[0]) {
		w.reports = w.reports[1:]
	}
	for len(w.lines) > 0 && w.say(mesh.LogLine{Level: mesh.LevelInfo, Source: "records", Message: w.lines[0]}) == nil {
		w.lines = w.lines[1:]
	}
	for _, c := range allChains() {
		o, l := &w.outages[c], &w.losses[c]
		if o.due(now, 0) && w.sendReport(ctx, fmt.Sprintf("%s records can't be written to disk; they wait in memory for the next attempt: %v", c, o.err)) {
			o.reported(now)
		}
		if l.due(now) && w.sendReport(ctx, l.ofDisk(c)) {
			l.reported(now)
		}
	}
}

func (w *writer) sendReport(ctx context.Context, reason string) bool {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	err := w.feed.Report(ctx, mesh.FailureReport{Source: "records", Reason: reason})
	if err != nil {
		w.log.Debug("a failure report was not taken", "report", reason, "error", err)
	}
	return err == nil
}

func newestAudit(s *snapshot.Snapshot) uint64 {
	if len(s.Audit) == 0 {
		return 0
	}
	return s.Audit[len(s.Audit)-1].Seq
}
