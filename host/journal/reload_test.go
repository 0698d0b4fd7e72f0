package journal_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/mesh"
)

// genConfigured draws what a configuration file can say; ids are TOML integers.
func genConfigured() *rapid.Generator[mesh.Configured] {
	id := rapid.Uint64Range(1, math.MaxInt64)
	name := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) }))
	return rapid.Custom(func(t *rapid.T) mesh.Configured {
		var out mesh.Configured
		ids := func(what string) []uint64 {
			return rapid.SliceOfNDistinct(id, 0, 4, rapid.ID[uint64]).Draw(t, what)
		}
		for _, id := range ids("peers") {
			out.Peers = append(out.Peers, mesh.ConfiguredPeer{ID: mesh.NodeID(id), Name: name.Draw(t, "name")})
		}
		for _, id := range ids("chains") {
			out.Chains = append(out.Chains, mesh.ConfiguredChain{
				ID: mesh.ChainID(id), Replicas: rapid.Ptr(rapid.Uint32(), true).Draw(t, "replicas"),
				Hold: mesh.HoldIntent(rapid.Uint8Range(0, 2).Draw(t, "hold")),
			})
		}
		for _, n := range ids("daemons") {
			out.Daemons = append(out.Daemons, mesh.ConfiguredDaemon{
				Daemon: mesh.DaemonRef{ID: mesh.DaemonID(n), Name: name.Draw(t, "name")},
				Run:    rapid.Bool().Draw(t, "run"), Essential: rapid.Bool().Draw(t, "essential"),
				Node:    mesh.NodeID(rapid.OneOf(rapid.Just(uint64(0)), id).Draw(t, "node")),
				Checked: rapid.Bool().Draw(t, "checked"), StopGrace: time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "stop grace")),
				Config:  rapid.SampledFrom([]string{"", "1f", config.Daemon{Command: []string{"/bin/x"}}.ProcessHash()}).Draw(t, "config"),
				Restart: mesh.RestartMode(rapid.Uint8Range(0, 2).Draw(t, "restart")), Gate: genGate().Draw(t, "gate"),
			})
			last := &out.Daemons[len(out.Daemons)-1]
			last.Reloadable = rapid.Bool().Draw(t, "reloadable")
			last.RestartUnhealthy = last.Checked && rapid.Bool().Draw(t, "on_unhealthy")
		}
		for i := 1; i < len(out.Daemons); i++ { // after earlier ones only: without circles
			earlier := make([]mesh.DaemonID, i)
			for j := range earlier {
				earlier[j] = out.Daemons[j].Daemon.ID
			}
			some := rapid.SliceOfNDistinct(rapid.SampledFrom(earlier), 0, i, rapid.ID[mesh.DaemonID])
			if after := some.Draw(t, "after"); len(after) > 0 {
				out.Daemons[i].After = after
			}
			if requires := some.Draw(t, "requires"); len(requires) > 0 && !out.Daemons[i].Essential {
				out.Daemons[i].Requires = requires
			}
		}
		return out
	})
}

// genGate draws a daemon's own values of its restart gate.
func genGate() *rapid.Generator[mesh.RestartValues] {
	span := rapid.Ptr(rapid.Map(rapid.Int64Range(1, math.MaxInt64), func(n int64) time.Duration { return time.Duration(n) }), true)
	return rapid.Custom(func(t *rapid.T) mesh.RestartValues {
		out := mesh.RestartValues{
			Initial: span.Draw(t, "initial"), Factor: rapid.Ptr(rapid.Float64Range(1, 1e9), true).Draw(t, "factor"), Max: span.Draw(t, "max"),
			CrashLoopThreshold: rapid.Ptr(rapid.IntRange(1, math.MaxInt32), true).Draw(t, "threshold"),
			CrashLoopWindow:    span.Draw(t, "window"), CrashLoopCooldown: span.Draw(t, "cooldown"), StableRun: span.Draw(t, "stable"),
		}
		if out.Initial != nil && out.Max != nil && *out.Initial > *out.Max {
			out.Initial, out.Max = out.Max, out.Initial
		}
		return out
	})
}

func TestAReloadSurvivesTheWayIntoAJournalAndBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := mesh.Reload{Desired: genConfigured().Draw(rt, "configured")}
		r := journal.NewReader("j", strings.NewReader(text(t,
			journal.Entry{Boot: boot()}, journal.Entry{At: stamp(1), Input: want})))
		if _, err := r.Next(); err != nil {
			rt.Fatal(err)
		}
		got, err := r.Next()
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(mesh.Input(want), got.Input); diff != "" {
			rt.Fatalf("changed on the way (-sent +received):\n%s", diff)
		}
	})
}

func TestBootAndTickSurviveTheWayIntoAJournalAndBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := boot()
		b.Node = mesh.NodeID(rapid.Uint64Range(1, math.MaxUint64).Draw(rt, "node"))
		b.Epoch = rapid.Uint64().Draw(rt, "epoch")
		room := rapid.OneOf(rapid.Just(journal.AllRoom), rapid.IntRange(0, math.MaxUint32)).Draw(rt, "room")
		early := rapid.Bool().Draw(rt, "early")
		r := journal.NewReader("j", strings.NewReader(text(t,
			journal.Entry{At: stamp(5), Boot: b}, journal.Entry{At: stamp(5), Tick: &journal.Tick{Room: room, Early: early}})))
		first, err := r.Next()
		if err != nil {
			rt.Fatal(err)
		}
		second, err := r.Next()
		if err != nil {
			rt.Fatal(err)
		}
		if first.Boot.Node != b.Node || first.Boot.Epoch != b.Epoch || first.Boot.ConfigTOML != b.ConfigTOML || first.At != stamp(5) {
			rt.Fatalf("boot came back as %+v", first)
		}
		if *second.Tick != (journal.Tick{Room: room, Early: early}) {
			rt.Fatalf("room for %d, early %v came back as %+v", room, early, *second.Tick)
		}
	})
}
