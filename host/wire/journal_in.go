package wire

import (
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// InputFromProto checks and converts the input of a journal entry. It refuses Boot and
// Tick, which are not inputs, and Reload, whose text host/journal reads. The error is a
// *FieldError.
func InputFromProto(in *meshosv1.JournalEntry) (mesh.Input, error) {
	switch kind := in.GetInput().(type) {
	case *meshosv1.JournalEntry_Event:
		return heardFromProto(in, kind.Event)
	case *meshosv1.JournalEntry_Samples:
		return samplesFromProto(kind.Samples)
	case *meshosv1.JournalEntry_Outcome:
		return outcomeFromProto(kind.Outcome)
	case *meshosv1.JournalEntry_Scores:
		return checked(scoresFromProto(&fields{at: "scores"}, kind.Scores))
	case *meshosv1.JournalEntry_Migrations:
		out, err := MigrationsFromProto(kind.Migrations)
		if err != nil {
			return nil, within("migrations", err)
		}
		return out, nil
	case *meshosv1.JournalEntry_Commit:
		return commitFromProto(in, kind.Commit)
	case *meshosv1.JournalEntry_Acknowledged:
		f := fields{at: "acknowledged"}
		out := mesh.Acknowledged{
			Chain:   mesh.RecordChain(f.enum("chain", int32(kind.Acknowledged.GetChain()), int32(mesh.ChainAction))),
			Through: kind.Acknowledged.GetThroughSeq(),
		}
		return checked(out, f.err)
	case *meshosv1.JournalEntry_Failure:
		f := fields{at: "failure"}
		out := mesh.FailureReport{
			Source: f.text("source", kind.Failure.GetSource()),
			Reason: f.text("reason", kind.Failure.GetReason()),
		}
		return checked(out, f.err)
	case *meshosv1.JournalEntry_PeersAnnounced:
		return checked(announcedFromProto(kind.PeersAnnounced))
	case *meshosv1.JournalEntry_SignerChange:
		f := fields{at: "signer_change"}
		out := mesh.SignerChange{
			Name: f.text("name", kind.SignerChange.GetName()),
			Old:  f.text("old_fingerprint", kind.SignerChange.GetOldFingerprint()),
			New:  f.text("new_fingerprint", kind.SignerChange.GetNewFingerprint()),
			Text: f.text("text", kind.SignerChange.GetText()),
		}
		return checked(out, f.err)
	}
	return nil, &FieldError{Path: "input", Problem: "must be set to a kind of input that this version knows"}
}

// StampFromProto reads the stamp of an entry. A wall time that is left out becomes the
// zero time. The error is a *FieldError.
func StampFromProto(in *meshosv1.JournalEntry) (mesh.Stamp, error) {
	var f fields
	out := mesh.Stamp{At: mesh.Time(f.durationOr0("at", in.GetAt()))}
	if w := in.GetWall(); w != nil {
		if !w.IsValid() {
			f.fail("wall", "must be a valid time, of the years 1 to 9999")
		}
		out.Wall = w.AsTime()
	}
	if f.err != nil {
		return mesh.Stamp{}, f.err
	}
	return out, nil
}

// FreezeFromProto reads from Boot what is left of a freeze; 0 means that there is none.
// The error is a *FieldError.
func FreezeFromProto(in *meshosv1.Boot) (time.Duration, error) {
	f := fields{at: "boot"}
	out := f.durationOr0("freeze_remaining", in.GetFreezeRemaining())
	return out, f.err
}

// checked returns the input, or nil with the error.
func checked(in mesh.Input, err error) (mesh.Input, error) {
	if err != nil {
		return nil, err
	}
	return in, nil
}

func heardFromProto(entry *meshosv1.JournalEntry, in *meshosv1.Event) (mesh.Input, error) {
	place, err := placeFromProto(entry)
	if err != nil {
		return nil, err
	}
	event, signed, err := EventFromProto(in)
	if err != nil {
		return nil, within("event", err)
	}
	if signed != nil {
		return nil, &FieldError{
			Path: "event.signed_commit", Problem: "cannot be in a journal, which holds signed commands with their verdicts as commit",
		}
	}
	if place == (mesh.Place{}) {
		return mesh.Heard{Event: event}, nil
	}
	return mesh.Heard{Event: event, Ordered: &place}, nil
}

func samplesFromProto(in *meshosv1.Samples) (mesh.Input, error) {
	f := fields{at: "samples"}
	out := mesh.Samples{
		Probe: f.text("probe", in.GetProbe()), Err: f.text("error", in.GetError()),
		RTTComplete: in.GetRttComplete(), HealthComplete: in.GetHealthComplete(),
		InventoryComplete: in.GetInventoryComplete(),
	}
	for i, s := range in.GetRtt() {
		at := "rtt[" + strconv.Itoa(i) + "]."
		out.RTT = append(out.RTT, f.rtt(at, s))
		if s.GetRtt() == nil && s.GetSent() == 0 && s.GetReason() == "" && s.GetNoAnswer() == meshosv1.NoAnswer_NO_ANSWER_UNSPECIFIED {
			f.fail(at+"rtt", "must be set")
		}
	}
	for i, s := range in.GetHealth() {
		out.Health = append(out.Health, f.health("health["+strconv.Itoa(i)+"].", s))
	}
	for i, inventory := range in.GetInventory() {
		one, err := InventoryFromProto(inventory)
		if err != nil && f.err == nil {
			f.err = within("samples.inventory["+strconv.Itoa(i)+"]", err)
		}
		out.Inventory = append(out.Inventory, one)
	}
	return checked(out, f.err)
}

func outcomeFromProto(in *meshosv1.ActionOutcome) (mesh.Input, error) {
	f := fields{at: "outcome"}
	out := mesh.Outcome{
		ID:     mesh.ActionID(f.id("action_id", in.GetActionId())),
		OK:     in.GetOk(),
		Reason: f.text("reason", in.GetReason()),
		Final:  in.GetFinal(),

		Gated:      in.GetGated(),
		RetryAfter: f.durationOr0("retry_after", in.GetRetryAfter()),
	}
	return checked(out, f.err)
}

// scoresFromProto accepts numbers that are not finite: the core ignores those scores.
func scoresFromProto(f *fields, in *meshosv1.ScoreTable) (mesh.Scores, error) {
	out := mesh.Scores{ViewVersion: in.GetViewVersion(), Changes: in.GetChanges()}
	for i, id := range in.GetUnscored() {
		out.Unscored = append(out.Unscored, mesh.ChainID(f.id("unscored["+strconv.Itoa(i)+"]", id)))
	}
	for i, c := range in.GetChains() {
		at := "chains[" + strconv.Itoa(i) + "]"
		chain := mesh.ChainScore{Chain: mesh.ChainID(f.id(at+".chain", c.GetChain()))}
		for j, holder := range c.GetHolders() {
			chain.Holders = append(chain.Holders, f.nodeScore(at+".holders["+strconv.Itoa(j)+"]", holder))
		}
		if best := c.GetBestAlternative(); best != nil {
			score := f.nodeScore(at+".best_alternative", best)
			chain.Best = &score
		}
		if cost := c.GetCost(); cost != nil {
			chain.Cost = &mesh.MigrationCost{
				StateTransfer: f.durationOr0(at+".cost.state_transfer", cost.GetStateTransfer()),
				Disruption:    f.durationOr0(at+".cost.disruption", cost.GetDisruption()),
				Reliability:   cost.GetReliabilityFactor(),
			}
		}
		out.Chains = append(out.Chains, chain)
	}
	if f.err != nil {
		return mesh.Scores{}, f.err
	}
	return out, nil
}

func (f *fields) nodeScore(at string, in *meshosv1.NodeScore) mesh.NodeScore {
	return mesh.NodeScore{Node: mesh.NodeID(f.id(at+".node", in.GetNode())), Score: in.GetScore()}
}

// commitFromProto accepts a commit without a command only if it was rejected: that may be
// the reason.
func commitFromProto(entry *meshosv1.JournalEntry, in *meshosv1.JudgedCommit) (mesh.Input, error) {
	place, err := placeFromProto(entry)
	if err != nil {
		return nil, err
	}
	f := fields{at: "commit"}
	verdict := in.GetOutcome()
	out := mesh.JudgedCommit{
		Ordered: place, Late: in.GetLate(), Restored: in.GetRestored(),
		Outcome: mesh.Verification{
			Verdict: mesh.Verdict(f.enum("outcome.verdict", int32(verdict.GetVerdict()), int32(mesh.VerdictUnverified))),
			Kind:    f.text("outcome.kind", verdict.GetKind()),
			Message: f.text("outcome.message", verdict.GetMessage()),
		},
	}
	out.Reason = f.reason("reason", in.GetReason())
	if id := in.GetCommitId(); len(id) > 0 {
		out.CommitID = id
	}
	if c := in.GetCommit(); c != nil {
		out.Envelope = &mesh.Envelope{Payload: c.GetPayload(), Signatures: c.GetSignatures()}
	}
	for i, operator := range in.GetOperators() {
		at := "operators[" + strconv.Itoa(i) + "]"
		out.Operators = append(out.Operators, mesh.Operator{
			KeyID:    f.text(at+".key_id", operator.GetKeyId()),
			Name:     f.text(at+".name", operator.GetName()),
			Verified: operator.GetVerified(),
		})
	}
	if r := in.GetRefusal(); r != nil {
		out.Refusal = &mesh.Refusal{
			Source: f.text("refusal.source", r.GetSource()), Kind: f.text("refusal.kind", r.GetKind()), More: r.GetMore(),
		}
		if r.GetOrder() != nil {
			order, err := plainFromProto(r.GetOrder())
			if err != nil {
				return nil, within("commit.refusal.order", err)
			}
			out.Refusal.Order = order
		}
	}
	switch {
	case in.GetEvent() != nil:
		event, err := adminFromProto(&fields{at: "commit.event"}, in.GetEvent())
		if err != nil {
			return nil, err
		}
		out.Event = event
	case out.Outcome.Verdict != mesh.VerdictRejected && out.Refusal == nil:
		f.fail("event", "must be set, unless the commit was rejected or is about an order that is no command")
	}
	return checked(out, f.err)
}
