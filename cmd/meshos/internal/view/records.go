package view

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Stamp returns when something was: the time of day, with the date unless that is today's.
func (p Printer) Stamp(t *timestamppb.Timestamp, now time.Time) string {
	year, month, day := now.In(p.zone()).Date()
	y, m, d := t.AsTime().In(p.zone()).Date()
	if t != nil && (y != year || m != month || d != day) {
		return p.dateAndTime(t)
	}
	return p.Clock(t)
}

// Restarted shows where the records of one run of the node end and those of the next begin.
func (p Printer) Restarted(epoch uint64) string {
	return p.Color.Apply(Faint, fmt.Sprintf("-- the node started again: epoch %016x --", epoch)) + "\n"
}

// LogRecord shows one line of a node's log. names has the names of the node's daemons.
func (p Printer) LogRecord(r *meshosv1.LogRecord, names map[uint64]string, now time.Time) string {
	from := "node"
	if r.DaemonId != nil {
		from = "daemon " + idOf(r.GetDaemonId())
		if name := names[r.GetDaemonId()]; name != "" {
			from = Plain(name)
		}
	}
	if source := r.GetSource(); source != "" {
		about := from
		from = Plain(strings.Replace(source, ":", " ", 1))
		if r.DaemonId != nil {
			from += " (of " + about + ")"
		}
	}
	level := strings.ToUpper(enumWord(r.GetLevel().String(), "LOG_LEVEL_"))
	return fmt.Sprintf("%s %s %s %s\n", p.Color.Apply(Faint, p.Stamp(r.GetAt(), now)),
		p.Color.Apply(levelStyle(r.GetLevel()), fmt.Sprintf("%-5s", level)), p.Color.Apply(Strong, from+":"), Plain(r.GetMessage()))
}

func levelStyle(level meshosv1.LogLevel) Style {
	switch level {
	case meshosv1.LogLevel_LOG_LEVEL_ERROR:
		return Bad
	case meshosv1.LogLevel_LOG_LEVEL_WARN:
		return Warning
	case meshosv1.LogLevel_LOG_LEVEL_INFO:
		return Good
	}
	return Faint
}

// FailureRecord shows one failure in a line.
func (p Printer) FailureRecord(r *meshosv1.FailureRecord, now time.Time) string {
	return fmt.Sprintf("%s %s %s\n", p.Color.Apply(Faint, p.Stamp(r.GetAt(), now)),
		p.Color.Apply(Bad, Plain(r.GetSource())+":"), Plain(r.GetReason()))
}

// ActionRecord shows in a line how an action ended.
func (p Printer) ActionRecord(r *meshosv1.ActionRecord, now time.Time) string {
	word, style := "done", Good
	switch r.GetOutcome() {
	case meshosv1.ActionRecord_OUTCOME_FAILED:
		word, style = "failed", Bad
	case meshosv1.ActionRecord_OUTCOME_GATED:
		word, style = "gated", Warning
	case meshosv1.ActionRecord_OUTCOME_UNSPECIFIED:
		word, style = "-", Ordinary
	}
	words := actionKind(r.GetAction())
	if about := action(r.GetAction()); about != "" {
		words += " " + about
	}
	if r.GetReason() != "" {
		words += " — " + Plain(r.GetReason())
	}
	if r.RetryAfter != nil {
		words += " (again after " + span(r.GetRetryAfter()) + ")"
	}
	return fmt.Sprintf("%s #%d %s %s\n", p.Color.Apply(Faint, p.Stamp(r.GetAt(), now)), r.GetActionId(),
		p.Color.Apply(style, fmt.Sprintf("%-6s", word)), words)
}

// actionKind returns the name of an action's kind: "start_daemon".
func actionKind(a *meshosv1.Action) string {
	m := a.ProtoReflect()
	kind := m.WhichOneof(m.Descriptor().Oneofs().ByName("kind"))
	if kind == nil {
		return "an action that this version does not know"
	}
	return string(kind.Name())
}

// AuditRecord shows one audit record in a line: a command with its verdict, or a change of
// the operators' keys.
func (p Printer) AuditRecord(r *meshosv1.AdminAuditRecord) string {
	word, style, words := "signers", Warning, Plain(r.GetSignerChange().GetText())
	if r.GetSignerChange() == nil {
		word, style = enumWord(r.GetOutcome().GetVerdict().String(), "VERDICT_"), verdictStyle(r.GetOutcome().GetVerdict())
		words = auditedCommand(r)
	}
	if r.GetChainPending() {
		words += " (not durable)"
	}
	return fmt.Sprintf("%s #%d %s %s\n", p.Color.Apply(Faint, p.dateAndTime(r.GetCommittedAt())), r.GetSeq(),
		p.Color.Apply(style, fmt.Sprintf("%-10s", word)), words)
}

func verdictStyle(v meshosv1.VerificationOutcome_Verdict) Style {
	switch v {
	case meshosv1.VerificationOutcome_VERDICT_ACCEPTED:
		return Good
	case meshosv1.VerificationOutcome_VERDICT_REJECTED:
		return Bad
	}
	return Warning
}

// auditedCommand returns who commanded what and why, and why it was rejected.
func auditedCommand(r *meshosv1.AdminAuditRecord) string {
	words := OrDash(signedBy(r)) + ": " + commandTitle(r.GetEvent())
	if refusal := r.GetRefusal(); refusal != nil {
		words = "from " + Plain(refusal.GetSource()) + ": " + Plain(refusal.GetKind())
		if r.GetEvent() != nil {
			words += ": " + commandTitle(r.GetEvent())
		} else if order := orderTitle(refusal.GetOrder()); order != "" {
			words += ": " + order
		}
		if refusal.GetMore() > 0 {
			words += fmt.Sprintf(" and %d more", refusal.GetMore())
		}
	}
	if r.GetReason() != "" {
		words += fmt.Sprintf(" (%s)", Plain(r.GetReason()))
	}
	if kind := r.GetOutcome().GetKind(); kind != "" {
		words += " — " + Plain(kind) + ": " + Plain(r.GetOutcome().GetMessage())
	}
	return words
}

// signedBy returns the names of those who signed a command, "" for none.
func signedBy(r *meshosv1.AdminAuditRecord) string {
	var who []string
	for _, o := range r.GetOperators() {
		name := o.GetName()
		if name == "" {
			name = o.GetKeyId()
		}
		if !o.GetVerified() {
			name += " (claimed)"
		}
		who = append(who, Plain(name))
	}
	return strings.Join(who, ", ")
}
