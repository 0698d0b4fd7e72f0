package mesh

import "time"

// RecordChain names one of the node's chains of records. It has nothing to do with the
// replicated chains that a ChainID names.
type RecordChain uint8

// The chains of records.
const (
	ChainAudit RecordChain = iota + 1
	ChainLog
	ChainFailure
	ChainAction
)

// String returns the chain's name in the configuration: "audit", "log" …
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
	VerdictUnverified // there was no signature to verify, and none was needed
)

// Verification is a verdict. Kind and Message give the reason of a rejection.
type Verification struct {
	Verdict Verdict
	Kind    string // the kind of rejection, stable snake_case
	Message string // for people
}

// The kinds of rejection that the core itself decides.
const (
	RejectFrozen    = "freeze_in_effect"
	RejectUnsigned  = "unsigned"
	RejectMalformed = "malformed"
)

// RejectCapacity is the kind of rejection of what would make the node remember more than
// its configuration allows.
const RejectCapacity = "capacity"

// RejectUnknown is the kind of rejection of an order about a daemon or a chain that neither
// the configuration nor an event has named.
const RejectUnknown = "unknown_id"

// RejectNotGranted is the kind of rejection of an order that a plugin brings without being
// allowed to.
const RejectNotGranted = "not_granted"

// Operator is somebody who signed a command.
type Operator struct {
	KeyID    string // SHA256:… fingerprint
	Name     string // principal, empty if none
	Verified bool   // false if a rejected envelope only claims this
}

// Envelope is a signed command as it was received: the exact bytes that were signed, and
// the signatures.
type Envelope struct {
	Payload    []byte
	Signatures [][]byte
}

// RecordPosition is a place in a chain of records, from which it is read on.
type RecordPosition struct {
	Epoch, Seq uint64    // behind this record; both 0: at the oldest
	Since      time.Time // and not before this wall time; zero: any
	From       uint64    // and not before this entry of the chain on disk; 0: any
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
	Reason    string    // why the command was given
	Envelope  *Envelope // of an accepted signed command; nil otherwise
	Ordered   Place     // of a command that is in the ordered log
	Late      bool      // as in JudgedCommit

	SignerChange *SignerChange // set instead of Event if the record is about a change of keys
	Refusal      *Refusal      // set if the record stands for several orders that were refused or came unsigned
}

// LogRecord is one line of the node's log.
type LogRecord struct {
	Seq     uint64
	Wall    time.Time
	Level   LogLevel
	Daemon  DaemonID
	Source  string // as in LogLine
	Message string
	Output  OutputPlace // as in LogLine
}

// FailureRecord is one thing that went wrong, and where.
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

// ActionRecord records how an action ended.
type ActionRecord struct {
	Seq    uint64
	Wall   time.Time
	At     Time // when it ended; deadlines in Action are shown relative to it
	ID     ActionID
	Action Action
	End    ActionEnd
	Reason string
	// RetryAfter is how long the gate that kept it from being tried stays closed. It is
	// 0 if there was none.
	RetryAfter time.Duration
}
