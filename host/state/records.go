package state

import "github.com/meshos/meshos/host/mesh"

// records holds the rings of records. They are output: nothing is decided from them.
type records struct {
	audit    ring[mesh.AuditRecord]
	logs     logRing
	failures ring[mesh.FailureRecord]
	actions  ring[mesh.ActionRecord]
	acked    Acknowledged
}

// Acknowledged holds, for each record chain, the number up to which every appender has
// stored the records.
type Acknowledged struct{ Audit, Log, Failure, Action uint64 }

func newRecords() records {
	return records{
		audit:    newRing[mesh.AuditRecord](AuditRing),
		logs:     newLogRing(LogRing),
		failures: newRing[mesh.FailureRecord](FailureRing),
		actions:  newRing[mesh.ActionRecord](ActionRing),
	}
}

// acknowledge moves the mark of a record chain forward: never back, and never beyond the
// last record.
func (r *records) acknowledge(a mesh.Acknowledged) {
	move := func(mark *uint64, written uint64) {
		*mark = max(*mark, min(a.Through, written))
	}
	switch a.Chain {
	case mesh.ChainAudit:
		move(&r.acked.Audit, r.audit.seq)
	case mesh.ChainLog:
		move(&r.acked.Log, r.logs.seq)
	case mesh.ChainFailure:
		move(&r.acked.Failure, r.failures.seq)
	case mesh.ChainAction:
		move(&r.acked.Action, r.actions.seq)
	}
}

func (s *State) auditCommand(in mesh.JudgedCommit) {
	s.records.audit.push(mesh.AuditRecord{
		Seq: s.records.audit.next(), Wall: s.wall,
		Event: in.Event, Operators: in.Operators, Outcome: in.Outcome,
		CommitID: in.CommitID, Envelope: in.Envelope, Reason: in.Reason, Refusal: in.Refusal, Ordered: in.Ordered, Late: in.Late,
	})
}

func (s *State) auditSigners(in mesh.SignerChange) {
	s.records.audit.push(mesh.AuditRecord{Seq: s.records.audit.next(), Wall: s.wall, SignerChange: &in})
}

func (s *State) recordLog(l mesh.LogLine) {
	s.records.logs.push(mesh.LogRecord{
		Seq: s.records.logs.next(), Wall: s.wall,
		Level: l.Level, Daemon: l.Daemon, Source: l.Source, Message: l.Message, Output: l.Output,
	})
}

func (s *State) recordFailure(source, reason string) {
	s.records.failures.push(mesh.FailureRecord{
		Seq: s.records.failures.next(), Wall: s.wall, Source: source, Reason: reason,
	})
}

func (s *State) recordAction(e mesh.Emitted, end mesh.ActionEnd, in mesh.Outcome) {
	s.records.actions.push(mesh.ActionRecord{
		Seq: s.records.actions.next(), Wall: s.wall, At: s.now,
		ID: e.ID, Action: e.Action, End: end, Reason: in.Reason, RetryAfter: in.RetryAfter,
	})
}

// Audit returns the audit records in the ring, oldest first. Like those of the other rings
// they must not be written to, and do not change when more is folded.
func (s *State) Audit() []mesh.AuditRecord { return s.records.audit.view() }

// Logs returns the log records in the ring, oldest first.
func (s *State) Logs() []mesh.LogRecord { return s.records.logs.view() }

// Failures returns the failure records in the ring, oldest first.
func (s *State) Failures() []mesh.FailureRecord { return s.records.failures.view() }

// Actions returns the action records in the ring, oldest first.
func (s *State) Actions() []mesh.ActionRecord { return s.records.actions.view() }

// Acknowledged returns the numbers up to which every appender has stored the records.
func (s *State) Acknowledged() Acknowledged { return s.records.acked }
