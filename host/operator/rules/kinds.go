package rules

import (
	"fmt"

	"github.com/meshos/meshos/host/mesh"
)

// The kinds of rejection. They are part of audit records and never change. There are
// three more in mesh: RejectFrozen and RejectUnsigned, which only the core uses, and
// RejectMalformed, which this package uses too.
const (
	KindRequiresBundle   = "ice_requires_bundle"
	KindSimulation       = "simulation_required"
	KindMismatch         = "simulation_mismatch"
	KindWrongCluster     = "wrong_cluster"
	KindOnlyOn           = "only_on" // it is for the door of another node, or not for a log
	KindFuture           = "envelope_from_future"
	KindExpired          = "envelope_expired"
	KindReplayed         = "replayed"
	KindTooMany          = "too_many_signatures"
	KindInsufficient     = "insufficient_signatures"
	KindRateLimited      = "rate_limited"
	KindSignature        = "signature_invalid"
	KindNotAuthorized    = "not_authorized"
	KindCooldown         = "ice_cooldown_active"
	KindAuditFull        = "audit_full"
	KindStoreUnavailable = "store_unavailable"
	KindUnreadable       = "signers_unreadable"
)

// Rejection says why a command is not accepted.
type Rejection struct {
	Kind    string // one of the Kind constants or mesh.RejectMalformed
	Message string // for people: what is wrong and what to do
}

// Error returns "KIND: MESSAGE".
func (r *Rejection) Error() string { return r.Kind + ": " + r.Message }

// Reject returns a rejection whose message is formatted.
func Reject(kind, format string, args ...any) *Rejection {
	return &Rejection{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Outcome returns the verdict of the rejection.
func (r *Rejection) Outcome() mesh.Verification {
	return mesh.Verification{Verdict: mesh.VerdictRejected, Kind: r.Kind, Message: r.Message}
}
