package metrics

import (
	"time"

	"github.com/meshos/meshos/host/snapshot"
)

// RecordsState is how a chain of records fares on disk.
type RecordsState struct {
	Bytes int64
	// Limit is from how many bytes on old records are dropped or, for audit, ordinary
	// commands are refused; 0 for never.
	Limit int64
	// Through is the seq of the present run through which the records are on disk.
	Through uint64
	// Lost counts the records of this run that were lost before they could be written, and
	// Failures the writes and syncs that failed.
	Lost, Failures uint64
}

// records is the metrics of the node's chains of records.
type records struct {
	src   Source
	waits *waits

	bytes, limit, free, auditFull                        family
	pending, oldest, waiting, oldestWaiting, lost, fails family
}

func newRecords(src Source, waits *waits) *records {
	return &records{
		src: src, waits: waits,
		bytes:     gauge("records_bytes", "What a chain of records has on disk.", "chain"),
		limit:     gauge("records_limit_bytes", "From what size on old records are dropped, or for audit, commands are refused; absent for no limit.", "chain"),
		free:      gauge("records_free_bytes", "How much room the disk of the records has for the node's user; absent where the disk does not tell."),
		auditFull: gauge("audit_full", "1 while ordinary commands are refused because the audit log has no room or can't be written."),
		pending:   gauge("records_pending", "Records of a chain that are not on disk or not acknowledged by every appender yet.", "chain"),
		oldest:    gauge("records_oldest_pending_seconds", "How long the oldest pending record of a chain has waited; 0 for none.", "chain"),
		waiting:   gauge("records_waiting", "Records of a chain that wait in memory because they are not on disk yet.", "chain"),
		oldestWaiting: gauge("records_oldest_waiting_seconds",
			"How long the oldest record of a chain that is not on disk has waited; 0 for none.", "chain"),
		lost:  counter("records_lost_total", "Records of a chain that left the memory, or were too large, before they could be written to disk.", "chain"),
		fails: counter("records_write_failures_total", "Writes and syncs of a chain of records that failed.", "chain"),
	}
}

func (r *records) families() []family {
	return []family{
		r.bytes, r.limit, r.free, r.auditFull, r.pending, r.oldest, r.waiting, r.oldestWaiting, r.lost, r.fails,
	}
}

func (r *records) collect(out scrape, snap *snapshot.Snapshot) {
	now := time.Now()
	for _, ring := range ringsOf(snap) {
		r.one(out, ring, now)
	}
	if free, known := r.src.RecordsFree(); known {
		out.set(r.free, float64(free))
	}
	out.set(r.auditFull, truth(r.src.AuditFull()))
}

func (r *records) one(out scrape, in ring, now time.Time) {
	// After the snapshot, so that what was lost never counts less than before.
	state, chain := r.src.Records(in.chain), in.chain.String()
	waiting, gone := in.above(state.Through)
	newest := in.newest()
	out.set(r.bytes, float64(state.Bytes), chain)
	if state.Limit > 0 {
		out.set(r.limit, float64(state.Limit), chain)
	}
	out.set(r.pending, float64(newest-min(newest, in.acknowledged)), chain)
	out.set(r.oldest, r.waits.oldest(in.chain, in.acknowledged, now).Seconds(), chain)
	out.set(r.waiting, float64(waiting), chain)
	out.set(r.oldestWaiting, r.waits.oldest(in.chain, state.Through, now).Seconds(), chain)
	out.set(r.lost, float64(state.Lost+gone), chain)
	out.set(r.fails, float64(state.Failures), chain)
}
