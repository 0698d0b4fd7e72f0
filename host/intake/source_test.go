package intake

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/meshos/meshos/host/catalog/pluginlog"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/logkinds"
)

// Without operators a plugin may bring facts, and what its entry names.
func TestB20_APluginBringsWhatItsEntryNames(t *testing.T) {
	own, other := mesh.MaintenanceObserved{Node: 1}, mesh.MaintenanceObserved{Node: 2}
	command := mesh.AdminReceived{Event: mesh.Cordon{Node: 1}}
	all := []mesh.Event{mesh.RTTSample{Peer: 2}, other, own, mesh.DaemonIntent{}, mesh.Shutdown{}, command}
	for _, tc := range []struct {
		entry []string
		taken []bool // of all
	}{
		{nil, []bool{true, true, false, false, false, false}},
		{[]string{"facts"}, []bool{true, true, false, false, false, false}},
		{[]string{"rtt_sample"}, []bool{true, false, false, false, false, false}},
		{[]string{"daemon_intent"}, []bool{false, false, false, true, false, false}},
		{[]string{"facts", "maintenance_observed", "shutdown"}, []bool{true, true, true, false, true, false}},
		{[]string{"admin"}, []bool{false, false, false, false, false, true}},
	} {
		g := newGate(false)
		running(t, g, same, func(in *Intake) {
			result, err := in.Client(plugin(tc.entry...)).PublishBatch(t.Context(), all)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Repeat([]bool{true}, len(all))
			for _, r := range result.Refused {
				got[r.Index] = false
				if r.Verdict.Kind != mesh.RejectNotGranted {
					t.Errorf("events = %q: %v", tc.entry, r.Verdict)
				}
			}
			if !slices.Equal(got, tc.taken) || result.Taken+len(result.Refused) != len(all) {
				t.Errorf("events = %q: took %v of %T, want %v", tc.entry, got, all, tc.taken)
			}
		})
		for _, r := range g.records { // facts that are refused are nobody's command
			if r.Refusal != nil && (r.Refusal.Kind == "rtt_sample" || r.Refusal.Order == other) {
				t.Errorf("events = %q: recorded %q", tc.entry, g.audited())
			}
		}
	}
}

// A line says who brings it, whatever the event says.
func TestLinesCarryWhoSaysThem(t *testing.T) {
	g := newGate(false)
	running(t, g, same, func(in *Intake) {
		for _, from := range []Source{API(), plugin()} {
			_, _ = in.Client(from).PublishBatch(t.Context(), []mesh.Event{
				mesh.LogLine{Source: "node", Message: "a"}, mesh.LogLine{Message: "b", Daemon: 3},
			})
		}
	})
	var got []string
	for _, ev := range g.events {
		line := ev.(mesh.LogLine)
		got = append(got, fmt.Sprintf("%s %s %d", line.Source, line.Message, line.Daemon))
	}
	if want := []string{"api a 0", "api b 3", "plugin:x a 0", "plugin:x b 3"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
}

// Lines of one kind are counted together, whether a plugin prints them or brings them as events.
func TestLinesOfOneKindAreCountedTogether(t *testing.T) {
	g := newGate(false)
	var flap []mesh.Event
	for i := range 1200 {
		flap = append(flap, mesh.LogLine{Level: mesh.LevelWarn, Message: fmt.Sprintf("peer is unreachable peer=%d reason=\"timed out\"", i)})
	}
	running(t, g, same, func(in *Intake) {
		if result, err := in.Client(plugin()).PublishBatch(t.Context(), flap); err != nil || result.Taken != len(flap) || len(result.Refused) != 0 {
			t.Errorf("took %d, refused %d, %v", result.Taken, len(result.Refused), err)
		}
		if result, err := in.Client(API()).PublishBatch(t.Context(), flap[:20]); result.Taken != 20 || err != nil {
			t.Errorf("of the API's lines it took %d, %v", result.Taken, err)
		}
		time.Sleep(2 * logkinds.Window)
	})
	if want := logkinds.Shown + 20 + 1; len(g.events) != want {
		t.Fatalf("%d lines, want %d", len(g.events), want)
	}
	last := g.events[len(g.events)-1].(mesh.LogLine)
	if want := "peer is unreachable: 1,195 more like this in 5s: timed out 1,195; such as 5, 6, 7"; last.Message != want || last.Source != "plugin:x" || last.Level != mesh.LevelWarn {
		t.Errorf("the last line is %+v", last)
	}
}

// A source has the budget of lines that a plugin has on stderr; one that has used up its
// own takes nothing from the others.
func TestP5_LinesHaveABudget(t *testing.T) {
	g := newGate(false)
	var flood []mesh.Event
	for i := range pluginlog.LinesAtOnce + 300 { // each of a kind of its own
		word := strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%04d", i))
		flood = append(flood, mesh.LogLine{Message: word})
	}
	running(t, g, same, func(in *Intake) {
		result, err := in.Client(plugin()).PublishBatch(t.Context(), flood)
		if err != nil || result.Taken != pluginlog.LinesAtOnce || len(result.Refused) != 300 || result.Refused[0].Verdict.Kind != KindLogBudget {
			t.Errorf("took %d, refused %d, %v", result.Taken, len(result.Refused), err)
		}
		if result, err := in.Client(API()).PublishBatch(t.Context(), flood[:20]); result.Taken != 20 || err != nil {
			t.Errorf("of the API's lines it took %d, %v", result.Taken, err)
		}
		time.Sleep(2 * time.Second)
	})
	last := g.events[len(g.events)-1].(mesh.LogLine)
	if last.Source != "plugin:x" || last.Message != "300 lines suppressed: more than 200 a second" || len(g.records) != 0 {
		t.Errorf("the last line is %v; recorded %q", last, g.audited())
	}
}
