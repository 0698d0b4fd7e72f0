package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// LogRecord shows one line of a node's log. names has the names of the node's daemons.
func (p Printer) LogRecord(r *meshosv1.LogRecord, names map[uint64]string) string {
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
	return fmt.Sprintf("%s %s %s %s\n", p.Color.Apply(Faint, p.Clock(r.GetAt())),
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
func (p Printer) FailureRecord(r *meshosv1.FailureRecord) string {
	return fmt.Sprintf("%s %s %s\n", p.Color.Apply(Faint, p.Clock(r.GetAt())),
		p.Color.Apply(Bad, Plain(r.GetSource())+":"), Plain(r.GetReason()))
}

// AuditRecord shows one audit record in a line: a command with its verdict, or a change of
// the operators' keys.
func (p Printer) AuditRecord(r *meshosv1.AdminAuditRecord) (string, error) {
	word, style, words := "signers", Warning, ""
	if c := r.GetSignerChange(); c != nil {
		words = Plain(c.GetText())
	} else {
		word, style = enumWord(r.GetOutcome().GetVerdict().String(), "VERDICT_"), verdictStyle(r.GetOutcome().GetVerdict())
		var err error
		if words, err = auditedCommand(r); err != nil {
			return "", err
		}
	}
	if r.GetChainPending() {
		words += " (not durable)"
	}
	return fmt.Sprintf("%s #%d %s %s\n", p.Color.Apply(Faint, p.dateAndTime(r.GetCommittedAt())), r.GetSeq(),
		p.Color.Apply(style, fmt.Sprintf("%-10s", word)), words), nil
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

// auditedCommand returns who commanded what, and why it was rejected.
func auditedCommand(r *meshosv1.AdminAuditRecord) (string, error) {
	event, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(r.GetEvent())
	if err != nil {
		return "", fmt.Errorf("audit record %d: %w", r.GetSeq(), err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, event); err != nil {
		return "", fmt.Errorf("audit record %d: %w", r.GetSeq(), err)
	}
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
	words := OrDash(strings.Join(who, ", ")) + ": " + Plain(compact.String())
	if refusal := r.GetRefusal(); refusal != nil {
		words = "from " + Plain(refusal.GetSource()) + ": " + Plain(refusal.GetKind())
		if r.GetEvent() != nil {
			words += " " + Plain(compact.String())
		}
		if refusal.GetMore() > 0 {
			words += fmt.Sprintf(" and %d more", refusal.GetMore())
		}
	}
	if kind := r.GetOutcome().GetKind(); kind != "" {
		words += " — " + Plain(kind) + ": " + Plain(r.GetOutcome().GetMessage())
	}
	return words, nil
}
