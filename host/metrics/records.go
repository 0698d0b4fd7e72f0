package metrics

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// records is the metrics of the node's chains of records.
type records struct {
	src Source

	bytes, limit, pending, auditFull family
}

func newRecords(src Source) *records {
	return &records{
		src:       src,
		bytes:     gauge("records_bytes", "What a chain of records has on disk.", "chain"),
		limit:     gauge("records_limit_bytes", "From what size on old records are dropped, or for audit, commands are refused; absent for no limit.", "chain"),
		pending:   gauge("records_pending", "Records of a chain that are not on disk or not acknowledged by every appender yet.", "chain"),
		auditFull: gauge("audit_full", "1 while ordinary commands are refused because the audit log has no room or can't be written."),
	}
}

func (r *records) families() []family { return []family{r.bytes, r.limit, r.pending, r.auditFull} }

func (r *records) collect(out scrape, snap *snapshot.Snapshot) {
	acknowledged := snap.Acknowledged
	r.one(out, mesh.ChainAudit, pending(snap.Audit, acknowledged.Audit, func(r mesh.AuditRecord) uint64 { return r.Seq }))
	r.one(out, mesh.ChainLog, pending(snap.Logs, acknowledged.Log, func(r mesh.LogRecord) uint64 { return r.Seq }))
	r.one(out, mesh.ChainFailure, pending(snap.Failures, acknowledged.Failure, func(r mesh.FailureRecord) uint64 { return r.Seq }))
	r.one(out, mesh.ChainAction, pending(snap.Actions, acknowledged.Action, func(r mesh.ActionRecord) uint64 { return r.Seq }))
	out.set(r.auditFull, truth(r.src.AuditFull()))
}

func (r *records) one(out scrape, c mesh.RecordChain, pending uint64) {
	bytes, limit := r.src.RecordsOnDisk(c)
	out.set(r.bytes, float64(bytes), c.String())
	if limit > 0 {
		out.set(r.limit, float64(limit), c.String())
	}
	out.set(r.pending, float64(pending), c.String())
}

// pending returns how many records of a ring have a higher number than the acknowledged one.
func pending[T any](ring []T, acknowledged uint64, seq func(T) uint64) uint64 {
	if len(ring) == 0 {
		return 0
	}
	newest := seq(ring[len(ring)-1])
	return newest - min(newest, acknowledged)
}
