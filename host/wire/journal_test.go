package wire_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// input lifts a generator of one type of input to one of inputs.
func input[T mesh.Input](draw func(*rapid.T) T) *rapid.Generator[mesh.Input] {
	return rapid.Custom(func(t *rapid.T) mesh.Input { return draw(t) })
}

// few draws a list that is nil when it is empty, as lists are that came in.
func few[T any](t *rapid.T, g *rapid.Generator[T], label string) []T {
	list := rapid.SliceOfN(g, 0, 4).Draw(t, label)
	if len(list) == 0 {
		return nil
	}
	return list
}

func genSamples() *rapid.Generator[mesh.Input] {
	return input(func(t *rapid.T) mesh.Samples {
		return mesh.Samples{
			Probe:     rapid.String().Draw(t, "probe"),
			RTT:       few(t, rapid.Custom(genRTT), "rtt"),
			Health:    few(t, rapid.Custom(genHealth), "health"),
			Inventory: few(t, genInventory(), "inventory"),
			Err:       rapid.String().Draw(t, "error"),

			RTTComplete: rapid.Bool().Draw(t, "rtt complete"), HealthComplete: rapid.Bool().Draw(t, "health complete"),
		}
	})
}

func genNodeScore() *rapid.Generator[mesh.NodeScore] {
	return rapid.Custom(func(t *rapid.T) mesh.NodeScore {
		return mesh.NodeScore{Node: genNode().Draw(t, "node"), Score: rapid.Float32().Draw(t, "score")}
	})
}

func genScores() *rapid.Generator[mesh.Input] {
	chain := rapid.Custom(func(t *rapid.T) mesh.ChainScore {
		return mesh.ChainScore{
			Chain:   genChain().Draw(t, "chain"),
			Holders: few(t, genNodeScore(), "holders"),
			Best:    rapid.Ptr(genNodeScore(), true).Draw(t, "best"),
			Cost: rapid.Ptr(rapid.Custom(func(t *rapid.T) mesh.MigrationCost {
				return mesh.MigrationCost{
					StateTransfer: genDuration().Draw(t, "transfer"), Disruption: genDuration().Draw(t, "disruption"),
					Reliability: rapid.Float32().Draw(t, "reliability"),
				}
			}), true).Draw(t, "cost"),
		}
	})
	return input(func(t *rapid.T) mesh.Scores {
		return mesh.Scores{
			ViewVersion: rapid.Uint64().Draw(t, "version"), Chains: few(t, chain, "chains"),
			Changes: rapid.Bool().Draw(t, "changes"), Unscored: few(t, genChain(), "unscored"),
		}
	})
}

func genCommit() *rapid.Generator[mesh.Input] {
	return input(func(t *rapid.T) mesh.JudgedCommit {
		out := mesh.JudgedCommit{
			Operators: few(t, rapid.Custom(func(t *rapid.T) mesh.Operator {
				return mesh.Operator{
					KeyID: rapid.String().Draw(t, "key"), Name: rapid.String().Draw(t, "name"),
					Verified: rapid.Bool().Draw(t, "verified"),
				}
			}), "operators"),
			Outcome: mesh.Verification{
				Verdict: mesh.Verdict(rapid.Uint8Range(1, 3).Draw(t, "verdict")),
				Kind:    rapid.String().Draw(t, "kind"), Message: rapid.String().Draw(t, "message"),
			},
			CommitID: few(t, rapid.Byte(), "id"), Reason: rapid.StringN(-1, -1, mesh.MaxReason).Draw(t, "reason"),
		}
		if out.Outcome.Verdict != mesh.VerdictRejected || rapid.Bool().Draw(t, "with a command") {
			out.Event = genAdmin().Draw(t, "command")
		}
		return out
	})
}

func genAnnounced() *rapid.Generator[mesh.Announced] {
	text := rapid.String()
	return rapid.Custom(func(t *rapid.T) mesh.Announced {
		return mesh.Announced{
			ID: genNode().Draw(t, "id"), Name: text.Draw(t, "name"), Address: text.Draw(t, "address"), Health: text.Draw(t, "health"),
			Seed: rapid.Bool().Draw(t, "seed"), Gone: rapid.Bool().Draw(t, "gone"), Orderly: rapid.Bool().Draw(t, "orderly"),
			Silent: rapid.Bool().Draw(t, "silent"), Heard: rapid.Ptr(genDuration(), true).Draw(t, "heard"), Summary: rapid.Ptr(genSummary(), true).Draw(t, "summary"),
		}
	})
}

func genSummary() *rapid.Generator[mesh.Summary] {
	text, number := rapid.String(), rapid.Uint32()
	return rapid.Custom(func(t *rapid.T) mesh.Summary {
		out := mesh.Summary{
			Incarnation: rapid.Uint64().Draw(t, "incarnation"), Height: rapid.Uint64().Draw(t, "height"),
			AdminState: text.Draw(t, "admin state"), Signers: text.Draw(t, "signers"),
			Phase:    mesh.MaintenancePhase(rapid.Uint8Range(0, 6).Draw(t, "phase")),
			Cordoned: rapid.Bool().Draw(t, "cordoned"), Draining: rapid.Bool().Draw(t, "draining"),
			ChainsHeld: number.Draw(t, "held"), ChainsLed: number.Draw(t, "led"), ChainsMost: number.Draw(t, "most"),
			DaemonsRunning: number.Draw(t, "running"), DaemonsWrong: number.Draw(t, "wrong"), PluginsWrong: number.Draw(t, "plugins"),
			Trouble: text.Draw(t, "trouble"), Version: text.Draw(t, "version"), Name: text.Draw(t, "name"),
			Address: text.Draw(t, "address"), Health: text.Draw(t, "health"), Here: few(t, text, "here"),
			LogFrozen: rapid.Bool().Draw(t, "frozen"), Unreachable: few(t, genNode(), "unreachable"),
			Inventory: rapid.Ptr(genInventory(), true).Draw(t, "inventory"),
		}
		for _, key := range few(t, rapid.SampledFrom([]string{"a", "b", "c"}), "labels") {
			if mesh.LabelOf(out.Labels, key) == "" {
				out.Labels = append(out.Labels, mesh.Label{Key: key, Value: "x" + text.Draw(t, "value")})
			}
		}
		slices.SortFunc(out.Labels, func(a, b mesh.Label) int { return strings.Compare(a.Key, b.Key) })
		return out
	})
}

func genInput() *rapid.Generator[mesh.Input] {
	return rapid.OneOf(
		input(func(t *rapid.T) mesh.Heard { return mesh.Heard{Event: genEvent().Draw(t, "event")} }),
		genSamples(),
		input(func(t *rapid.T) mesh.Outcome {
			return mesh.Outcome{
				ID: mesh.ActionID(genID().Draw(t, "id")), OK: rapid.Bool().Draw(t, "ok"),
				Reason: rapid.String().Draw(t, "reason"), Final: rapid.Bool().Draw(t, "final"),
			}
		}),
		genScores(),
		input(func(t *rapid.T) mesh.Migrations { return mesh.Migrations{InFlight: few(t, genMigration(), "list")} }),
		genCommit(),
		input(func(t *rapid.T) mesh.Acknowledged {
			return mesh.Acknowledged{
				Chain: mesh.RecordChain(rapid.Uint8Range(1, 4).Draw(t, "chain")), Through: rapid.Uint64().Draw(t, "through"),
			}
		}),
		input(func(t *rapid.T) mesh.SignerChange {
			text := rapid.String()
			return mesh.SignerChange{Name: text.Draw(t, "name"), Old: text.Draw(t, "old"), New: text.Draw(t, "new"), Text: text.Draw(t, "text")}
		}),
		input(func(t *rapid.T) mesh.PeersAnnounced {
			return mesh.PeersAnnounced{Peers: few(t, genAnnounced(), "peers"), Expelled: few(t, genNode(), "expelled")}
		}),
		input(func(t *rapid.T) mesh.FailureReport {
			return mesh.FailureReport{Source: rapid.String().Draw(t, "source"), Reason: rapid.String().Draw(t, "reason")}
		}),
	)
}

func TestEveryInputSurvivesTheWayIntoAJournalAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genInput().Draw(t, "input")
		entry, err := wire.InputToProto(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.InputFromProto(throughBytes(t, entry, &meshosv1.JournalEntry{}))
		if err != nil {
			t.Fatalf("InputFromProto: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

func TestStampsSurviveTheWayIntoAJournalAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := mesh.Stamp{At: mesh.Time(genDuration().Draw(t, "at"))}
		if rapid.Bool().Draw(t, "with wall") {
			want.Wall = time.Unix(0, rapid.Int64Range(1, math.MaxInt64).Draw(t, "wall")).UTC()
		}
		entry := &meshosv1.JournalEntry{}
		wire.StampEntry(entry, want)
		got, err := wire.StampFromProto(throughBytes(t, entry, &meshosv1.JournalEntry{}))
		if err != nil || got != want {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	})
}

// The core decides about a score that is not finite, so a journal may hold it.
func TestAScoreThatIsNotFiniteCanBeInAJournal(t *testing.T) {
	entry, err := wire.InputToProto(mesh.Scores{Chains: []mesh.ChainScore{
		{Chain: 1, Best: &mesh.NodeScore{Node: 2, Score: float32(math.NaN())}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protojson.Marshal(entry)
	if err != nil {
		t.Fatal(err)
	}
	var again meshosv1.JournalEntry
	if err := protojson.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	got, err := wire.InputFromProto(&again)
	if err != nil || !math.IsNaN(float64(got.(mesh.Scores).Chains[0].Best.Score)) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestReloadAndWhatIsUnknownCantBecomeAnEntryHere(t *testing.T) {
	for _, in := range []mesh.Input{mesh.Reload{}, nil} {
		if _, err := wire.InputToProto(in); err == nil {
			t.Errorf("%T became an entry", in)
		}
	}
}

func TestInputsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, "input: must be set to a kind of input that this version knows"},
		{`{"tick":{}}`, "input: must be set to a kind of input that this version knows"},
		{`{"event":{}}`, "event.kind: must be set to a kind of event that this version knows"},
		{`{"event":{"replica_update":{"kind":"KIND_ADDED","chain":1}}}`, "event.replica_update.holder: must not be 0"},
		{
			`{"event":{"signed_commit":{"payload":"AA=="}}}`,
			"event.signed_commit: cannot be in a journal, which holds signed commands with their verdicts as commit",
		},
		{`{"samples":{"rtt":[{"peer":1,"rtt":"1s"},{"peer":2}]}}`, "samples.rtt[1].rtt: must be set"},
		{`{"samples":{"rtt":[{"rtt":"1s"}]}}`, "samples.rtt[0].peer: must not be 0"},
		{`{"samples":{"health":[{"peer":1}]}}`, "samples.health[0].health: must be set"},
		{`{"samples":{"inventory":[{"peer":1},{}]}}`, "samples.inventory[1].peer: must not be 0"},
		{`{"outcome":{"ok":true}}`, "outcome.action_id: must not be 0"},
		{`{"scores":{"chains":[{"holders":[{"node":1}]}]}}`, "scores.chains[0].chain: must not be 0"},
		{`{"scores":{"chains":[{"chain":1,"holders":[{}]}]}}`, "scores.chains[0].holders[0].node: must not be 0"},
		{`{"scores":{"chains":[{"chain":1,"best_alternative":{}}]}}`, "scores.chains[0].best_alternative.node: must not be 0"},
		{
			`{"scores":{"chains":[{"chain":1,"cost":{"disruption":"-1s"}}]}}`,
			"scores.chains[0].cost.disruption: must not be negative, is -1s",
		},
		{`{"migrations":{"in_flight":[{}]}}`, "migrations.in_flight[0].migration: must not be 0"},
		{`{"commit":{"event":{"thaw_cluster":{}}}}`, "commit.outcome.verdict: must be set"},
		{`{"commit":{"outcome":{"verdict":"VERDICT_ACCEPTED"}}}`, "commit.event: must be set, unless the commit was rejected or is about an order that is no command"},
		{`{"commit":{"event":{"cordon":{}},"outcome":{"verdict":"VERDICT_ACCEPTED"}}}`, "commit.event.cordon.node: must not be 0"},
		{`{"acknowledged":{"through_seq":1}}`, "acknowledged.chain: must be set"},
	} {
		t.Run(c.in, func(t *testing.T) {
			var in meshosv1.JournalEntry
			if err := protojson.Unmarshal([]byte(c.in), &in); err != nil {
				t.Fatalf("the test's own input: %v", err)
			}
			got, err := wire.InputFromProto(&in)
			var field *wire.FieldError
			if !errors.As(err, &field) || err.Error() != c.want || got != nil {
				t.Fatalf("got %v, error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestStampsAndFreezesThatAreRefused(t *testing.T) {
	var in meshosv1.JournalEntry
	if err := protojson.Unmarshal([]byte(`{"at":"-1s"}`), &in); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.StampFromProto(&in); err == nil || err.Error() != "at: must not be negative, is -1s" {
		t.Errorf("error %v", err)
	}
	never := &meshosv1.JournalEntry{Wall: &timestamppb.Timestamp{Seconds: math.MaxInt64}}
	if _, err := wire.StampFromProto(never); err == nil || err.Error() != "wall: must be a valid time, of the years 1 to 9999" {
		t.Errorf("error %v", err)
	}
	var boot meshosv1.Boot
	if err := protojson.Unmarshal([]byte(`{"freeze_remaining":"-1s"}`), &boot); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.FreezeFromProto(&boot); err == nil || err.Error() != "boot.freeze_remaining: must not be negative, is -1s" {
		t.Errorf("error %v", err)
	}
}

// A probe may know why it has no answer, and nothing more.
func TestASampleWithOnlyWhyThereIsNoAnswerCanBeReplayed(t *testing.T) {
	for why := mesh.NoAnswerUnknown; why <= mesh.NoAnswerNotSent; why++ {
		want := mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 1, Echoes: mesh.Echoes{NoAnswer: why}}}}
		entry, err := wire.InputToProto(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.InputFromProto(entry)
		if diff := cmp.Diff(mesh.Input(want), got); err != nil || diff != "" {
			t.Errorf("%v: error %v, changed (-sent +received):\n%s", why, err, diff)
		}
	}
}

// Whatever bytes make an entry, taking it in ends in an input that can go out
// again or in an error that names a field.
func FuzzInputFromProto(f *testing.F) {
	for _, in := range []mesh.Input{
		mesh.Heard{Event: mesh.Shutdown{}},
		mesh.Samples{Probe: "p", RTT: []mesh.RTTSample{{Peer: 1, RTT: 1}}, Health: []mesh.HealthSample{{Peer: 1, Health: 1}}},
		mesh.Scores{ViewVersion: 1, Chains: []mesh.ChainScore{{Chain: 1, Best: &mesh.NodeScore{Node: 1}}}},
		mesh.JudgedCommit{Event: mesh.ThawCluster{}, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}},
	} {
		entry, err := wire.InputToProto(in)
		if err != nil {
			f.Fatal(err)
		}
		raw, err := proto.Marshal(entry)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var entry meshosv1.JournalEntry
		if proto.Unmarshal(raw, &entry) != nil {
			return
		}
		_, err := wire.StampFromProto(&entry)
		namesAField(t, err)
		got, err := wire.InputFromProto(&entry)
		namesAField(t, err)
		if (got == nil) != (err != nil) {
			t.Fatalf("input %v, error %v: not exactly one of them", got, err)
		}
		if got == nil {
			return
		}
		if _, err := wire.InputToProto(got); err != nil {
			t.Fatal(err)
		}
	})
}
