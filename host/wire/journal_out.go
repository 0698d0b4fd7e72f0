package wire

import (
	"fmt"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// InputToProto converts one input into a journal entry. The caller sets its index and its
// stamp. It returns an error for a Reload, which host/journal converts since it holds a
// configuration as text, and for a type of input that it does not know.
func InputToProto(in mesh.Input) (*meshosv1.JournalEntry, error) {
	switch in := in.(type) {
	case mesh.Heard:
		entry := &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Event{Event: EventToProto(in.Event)}}
		if in.Ordered != nil {
			placed(*in.Ordered, entry)
		}
		return entry, nil
	case mesh.Samples:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Samples{Samples: samplesToProto(in)}}, nil
	case mesh.Outcome:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Outcome{Outcome: outcomeToProto(in)}}, nil
	case mesh.Scores:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Scores{Scores: scoresToProto(in)}}, nil
	case mesh.Migrations:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Migrations{Migrations: MigrationsToProto(in)}}, nil
	case mesh.JudgedCommit:
		return placed(in.Ordered, &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Commit{Commit: commitToProto(in)}}), nil
	case mesh.Acknowledged:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Acknowledged{Acknowledged: &meshosv1.Acknowledged{
			Chain: meshosv1.Acknowledged_Chain(in.Chain), ThroughSeq: in.Through,
		}}}, nil
	case mesh.SignerChange:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_SignerChange{SignerChange: signerChangeToProto(in)}}, nil
	case mesh.PeersAnnounced:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_PeersAnnounced{PeersAnnounced: announcedToProto(in)}}, nil
	case mesh.FailureReport:
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Failure{Failure: &meshosv1.FailureReport{
			Source: valid(in.Source), Reason: valid(in.Reason),
		}}}, nil
	}
	return nil, fmt.Errorf("%T can't be turned into a journal entry", in)
}

// placed sets where the order of an entry stands in the ordered log.
func placed(at mesh.Place, entry *meshosv1.JournalEntry) *meshosv1.JournalEntry {
	entry.Height, entry.OrderedAt, entry.InMesh = at.Height, wall(at.At), at.Mesh
	return entry
}

func outcomeToProto(in mesh.Outcome) *meshosv1.ActionOutcome {
	out := &meshosv1.ActionOutcome{
		ActionId: uint64(in.ID), Ok: in.OK, Reason: valid(in.Reason), Final: in.Final, Gated: in.Gated,
	}
	if in.RetryAfter > 0 {
		out.RetryAfter = durationpb.New(in.RetryAfter)
	}
	return out
}

// StampEntry sets the stamp of an entry.
func StampEntry(entry *meshosv1.JournalEntry, at mesh.Stamp) {
	entry.At = durationpb.New(at.At.Sub(0))
	entry.Wall = nil
	if !at.Wall.IsZero() {
		entry.Wall = timestamppb.New(at.Wall)
	}
}

func samplesToProto(in mesh.Samples) *meshosv1.Samples {
	out := &meshosv1.Samples{
		Probe: valid(in.Probe), Error: valid(in.Err),
		RttComplete: in.RTTComplete, HealthComplete: in.HealthComplete,
		InventoryComplete: in.InventoryComplete,
	}
	for _, s := range in.RTT {
		out.Rtt = append(out.Rtt, RTTToProto(s))
	}
	for _, s := range in.Health {
		out.Health = append(out.Health, HealthToProto(s))
	}
	for _, inventory := range in.Inventory {
		out.Inventory = append(out.Inventory, InventoryToProto(inventory))
	}
	return out
}

// RTTToProto leaves the round-trip time out if the probe got no answer.
func RTTToProto(in mesh.RTTSample) *meshosv1.RttSample {
	out := &meshosv1.RttSample{
		Peer: uint64(in.Peer), Sent: in.Sent, Received: in.Received, Late: in.Late, Reason: valid(in.Reason),
		Round: in.Round, Unanswered: in.Unanswered, NoAnswer: meshosv1.NoAnswer(in.NoAnswer),
		Family: meshosv1.AddressFamily(in.Family),
	}
	if in.RTT != 0 || in.Sent == 0 && in.Reason == "" && in.NoAnswer == mesh.NoAnswerUnknown {
		out.Rtt = durationpb.New(in.RTT)
	}
	if in.Jitter != 0 {
		out.Jitter = durationpb.New(in.Jitter)
	}
	return out
}

// HealthToProto returns a verdict as the contract has it.
func HealthToProto(in mesh.HealthSample) *meshosv1.NodeHealthSample {
	return &meshosv1.NodeHealthSample{
		Peer: uint64(in.Peer), Health: meshosv1.NodeHealth(in.Health), Reason: valid(in.Reason),
		Family: meshosv1.AddressFamily(in.Family),
	}
}

func scoresToProto(in mesh.Scores) *meshosv1.ScoreTable {
	out := &meshosv1.ScoreTable{ViewVersion: in.ViewVersion, Changes: in.Changes, Unscored: numbers(in.Unscored)}
	for _, c := range in.Chains {
		chain := &meshosv1.ChainScore{Chain: uint64(c.Chain)}
		for _, holder := range c.Holders {
			chain.Holders = append(chain.Holders, nodeScore(holder))
		}
		if c.Best != nil {
			chain.BestAlternative = nodeScore(*c.Best)
		}
		if c.Cost != nil {
			chain.Cost = &meshosv1.MigrationCost{
				StateTransfer:     durationpb.New(c.Cost.StateTransfer),
				Disruption:        durationpb.New(c.Cost.Disruption),
				ReliabilityFactor: c.Cost.Reliability,
			}
		}
		out.Chains = append(out.Chains, chain)
	}
	return out
}

func nodeScore(in mesh.NodeScore) *meshosv1.NodeScore {
	return &meshosv1.NodeScore{Node: uint64(in.Node), Score: in.Score}
}

func commitToProto(in mesh.JudgedCommit) *meshosv1.JudgedCommit {
	return &meshosv1.JudgedCommit{
		Event:     AdminToProto(in.Event),
		Operators: OperatorsToProto(in.Operators),
		Outcome:   verificationToProto(in.Outcome),
		CommitId:  in.CommitID,
		Commit:    envelopeToProto(in.Envelope),
		Refusal:   refusalToProto(in.Refusal),
		Reason:    valid(in.Reason),
		Late:      in.Late,
		Restored:  in.Restored,
	}
}
