package mesh

import "time"

// RecordChain names one of the node's streams of records.
type RecordChain uint8

// The chains of records.
const (
	ChainAudit RecordChain = iota + 1
	ChainLog
	ChainFailure
	ChainAction
)

// String gives the chain's name in the configuration: "audit", "log" …
func (c RecordChain) String() string {
	switch c {
	case ChainAudit:
		return "audit"
	case ChainLog:
		return "log"
	case ChainFailure:
		return "failure"
	case ChainAction:
		return "action"
	}
	return "unknown"
}

// Verdict is how an operator command was judged.
type Verdict uint8

// The verdicts.
const (
	VerdictAccepted Verdict = iota + 1
	VerdictRejected
	VerdictUnverified // nobody was asked to verify it
)

// Verification is a verdict with its reason when it is a rejection.
type Verification struct {
	Verdict Verdict
	Kind    string // stable snake_case
	Message string // for a person
}

// The kinds of rejection that the core itself gives.
const (
	RejectFrozen    = "freeze_in_effect"
	RejectUnsigned  = "unsigned"
	RejectMalformed = "malformed"
)

// Operator is who signed, as far as it is known.
type Operator struct {
	KeyID    string // SHA256:… fingerprint
	Name     string // principal, empty if none
	Verified bool   // false: claimed by an envelope that was rejected
}

// Envelope is a signed command as it came in: the exact bytes that were signed,
// and the signatures.
type Envelope struct {
	Payload    []byte
	Signatures [][]byte
}

// AuditRecord is one operator command with its verdict, or a change of the operators'
// keys.
type AuditRecord struct {
	Seq       uint64
	Wall      time.Time
	Event     AdminEvent
	Operators []Operator
	Outcome   Verification
	CommitID  []byte
	Envelope  *Envelope // of an accepted signed command; nil for others

	SignerChange *SignerChange // instead of a command
}

// LogRecord is one line of the node's log.
type LogRecord struct {
	Seq     uint64
	Wall    time.Time
	Level   LogLevel
	Daemon  DaemonID
	Message string
}

// FailureRecord says what went wrong and where.
type FailureRecord struct {
	Seq    uint64
	Wall   time.Time
	Source string
	Reason string
}

// ActionEnd is how an action ended.
type ActionEnd uint8

// The ends.
const (
	ActionDispatched ActionEnd = iota + 1
	ActionFailed
	ActionGated
)

// ActionRecord says how an action ended.
type ActionRecord struct {
	Seq    uint64
	Wall   time.Time
	At     Time // when it ended, for what is relative in the action
	ID     ActionID
	Action Action
	End    ActionEnd
	Reason string
	// RetryAfter is how long the gate stays closed that kept it from being tried; 0
	// for none.
	RetryAfter time.Duration
}
