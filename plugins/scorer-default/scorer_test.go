package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const self = 1

// node is a healthy, active node that far away.
func node(id uint64, rtt time.Duration, alter ...func(*pluginv1.NodeView)) *pluginv1.NodeView {
	n := &pluginv1.NodeView{Peer: &meshosv1.PeerView{
		Peer: id, Rtt: durationpb.New(rtt), Health: healthy, Maintenance: active,
	}}
	for _, a := range alter {
		a(n)
	}
	return n
}

func chain(id uint64, holders ...uint64) *pluginv1.ChainView {
	return &pluginv1.ChainView{Chain: id, Holders: holders}
}

func score(t *testing.T, nodes []*pluginv1.NodeView, chains ...*pluginv1.ChainView) []*meshosv1.ChainScore {
	t.Helper()
	return scoreWith(t, defaults(), nodes, chains...)
}

func scoreWith(t *testing.T, cfg config, nodes []*pluginv1.NodeView, chains ...*pluginv1.ChainView) []*meshosv1.ChainScore {
	t.Helper()
	s := &scorer{self: self, formula: cfg.formula()}
	table, err := collect(t.Context(), s, pluginsdk.View{Version: 1, Nodes: nodes, Chains: chains})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestBestAlternativeIsTheBestNodeThatMayHost(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(*pluginv1.NodeView) // of node 2, the nearest
		want  uint64
	}{
		{"the nearest", func(*pluginv1.NodeView) {}, 2},
		{"an unknown phase counts as Active", func(n *pluginv1.NodeView) { n.Peer.Maintenance = 0 }, 2},
		{"cordoned", func(n *pluginv1.NodeView) { n.Peer.Cordoned = true }, 3},
		{"avoided", func(n *pluginv1.NodeView) { n.Avoided = true }, 3},
		{"unreachable", func(n *pluginv1.NodeView) { n.Peer.Health = unreachable }, 3},
		{"degraded loses by its score", func(n *pluginv1.NodeView) { n.Peer.Health = degraded }, 3},
		{"entering maintenance", func(n *pluginv1.NodeView) { n.Peer.Maintenance = entering }, 3},
		{"in maintenance", func(n *pluginv1.NodeView) { n.Peer.Maintenance = maintenance }, 3},
		{"leaving maintenance", func(n *pluginv1.NodeView) { n.Peer.Maintenance = exiting }, 3},
		{"drain failed", func(n *pluginv1.NodeView) { n.Peer.Maintenance = drainFailed }, 3},
		{"recovering", func(n *pluginv1.NodeView) { n.Peer.Maintenance = recovery }, 3},
		{"full disk", func(n *pluginv1.NodeView) {
			n.Peer.Inventory = &meshosv1.PeerInventory{DiskUsedBytes: proto.Uint64(9), DiskTotalBytes: proto.Uint64(9)}
		}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			nodes := []*pluginv1.NodeView{
				node(self, 0), node(2, time.Millisecond, c.alter), node(3, 20*time.Millisecond), node(4, 400*time.Millisecond),
			}
			table := score(t, nodes, chain(7, self, 4))
			if got := table[0].GetBestAlternative().GetNode(); got != c.want {
				t.Errorf("best alternative %d, want %d: %v", got, c.want, table[0])
			}
		})
	}
}

func TestHoldersAreScoredUnlessTheyAreUnknown(t *testing.T) {
	nodes := []*pluginv1.NodeView{node(self, 0), node(2, 100*time.Millisecond), node(3, 0)}
	got := score(t, nodes, chain(7, 2, 99), chain(8))
	want := []*meshosv1.ChainScore{
		{
			Chain:           7,
			Holders:         []*meshosv1.NodeScore{{Node: 2, Score: 0.63}},
			BestAlternative: &meshosv1.NodeScore{Node: 3, Score: 0.794},
			Cost: &meshosv1.MigrationCost{
				StateTransfer: durationpb.New(time.Second), Disruption: durationpb.New(200 * time.Millisecond), ReliabilityFactor: 1,
			},
		},
		{
			Chain:           8,
			BestAlternative: &meshosv1.NodeScore{Node: 3, Score: 0.794},
			Cost: &meshosv1.MigrationCost{
				StateTransfer: durationpb.New(time.Second), Disruption: durationpb.New(200 * time.Millisecond), ReliabilityFactor: 1,
			},
		},
	}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

func TestThisNodeIsNeverItsOwnAlternativeAndNeedsNoProbe(t *testing.T) {
	alone := &pluginv1.NodeView{Peer: &meshosv1.PeerView{Peer: self, Maintenance: active}}
	table := score(t, []*pluginv1.NodeView{alone}, chain(7, self), chain(8, 2))
	if got := table[0].GetHolders()[0].GetScore(); got != 0.794 {
		t.Errorf("this node without inventory scores %v, want 0.794", got)
	}
	for _, c := range table {
		if c.BestAlternative != nil || c.Cost != nil {
			t.Errorf("chain %d: alternative %v, cost %v; want none", c.GetChain(), c.BestAlternative, c.Cost)
		}
	}
}

func TestTiesGoToTheLowestID(t *testing.T) {
	// 1 µs apart: finer than the resolution of a score.
	nodes := []*pluginv1.NodeView{node(self, 0), node(5, 3*time.Microsecond), node(6, 2*time.Microsecond), node(7, time.Microsecond)}
	if got := score(t, nodes, chain(7, self))[0].GetBestAlternative().GetNode(); got != 5 {
		t.Errorf("best alternative %d, want 5", got)
	}
}

func TestAbsurdInputsAreUnknown(t *testing.T) {
	sane := node(2, 0, func(n *pluginv1.NodeView) { n.Peer.Rtt = nil })
	for name, alter := range map[string]func(*pluginv1.NodeView){
		"negative rtt": func(n *pluginv1.NodeView) { n.Peer.Rtt = durationpb.New(-time.Second) },
		"broken rtt":   func(n *pluginv1.NodeView) { n.Peer.Rtt = &durationpb.Duration{Seconds: math.MaxInt64} },
		"NaN load": func(n *pluginv1.NodeView) {
			n.Peer.Rtt, n.Peer.Inventory = nil, &meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(math.NaN())}
		},
		"infinite load": func(n *pluginv1.NodeView) {
			n.Peer.Rtt, n.Peer.Inventory = nil, &meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(math.Inf(1))}
		},
		"memory of no bytes": func(n *pluginv1.NodeView) {
			n.Peer.Rtt, n.Peer.Inventory = nil, &meshosv1.PeerInventory{MemUsedBytes: proto.Uint64(1), MemTotalBytes: proto.Uint64(0)}
		},
		"disk without a total": func(n *pluginv1.NodeView) {
			n.Peer.Rtt, n.Peer.Inventory = nil, &meshosv1.PeerInventory{DiskUsedBytes: proto.Uint64(1)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			table := score(t, []*pluginv1.NodeView{sane}, chain(7, 2))
			want := table[0].GetHolders()[0].GetScore()
			got := score(t, []*pluginv1.NodeView{node(2, 0, alter)}, chain(7, 2))[0].GetHolders()[0].GetScore()
			if got != want {
				t.Errorf("score %v, want that of the unknown: %v", got, want)
			}
		})
	}
}

// The same view in any order has the same table; and the view, which
// is shared, is left as it was.
func TestScoreIsDeterministicAndChangesNothing(t *testing.T) {
	nodes, chains := world(200, 100)
	chains[3].Holders = []uint64{9, 5, 9, 7}
	before := slices.Clone(chains[3].Holders)
	want := score(t, nodes, chains...)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	if d := cmp.Diff(want, score(t, nodes, chains...), protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if !slices.Equal(before, chains[3].Holders) {
		t.Errorf("the view's holders became %v", chains[3].Holders)
	}
	if got := len(want[3].GetHolders()); got != 3 {
		t.Errorf("with a holder that is named twice there are %d scores, want 3", got)
	}
}

// The ranking has the same result as comparing every node for every chain.
func TestBestAlternativeEqualsTheSlowWay(t *testing.T) {
	nodes, chains := world(300, 200)
	r := rank(&formula{}, self, nil)
	if _, ok := r.best(nil); ok {
		t.Error("an empty view has an alternative")
	}
	p := defaults().formula()
	for i, c := range score(t, nodes, chains...) {
		var best uint64
		var top float64
		for _, n := range nodes {
			f := factsOf(n, n.GetPeer().GetPeer() == self)
			id, s := n.GetPeer().GetPeer(), p.score(f)
			if id != self && mayHost(f) && s > top && !slices.Contains(chains[i].GetHolders(), id) {
				best, top = id, s
			}
		}
		if c.GetBestAlternative().GetNode() != best {
			t.Fatalf("chain %d: best alternative %v, want %d (%v)", c.GetChain(), c.GetBestAlternative(), best, top)
		}
	}
}

func TestCancelledCallEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &scorer{self: self, formula: defaults().formula()}
	if _, err := collect(ctx, s, pluginsdk.View{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// world makes a view in which everything varies.
func world(nodes, chains int) ([]*pluginv1.NodeView, []*pluginv1.ChainView) {
	r := rand.New(rand.NewPCG(uint64(nodes), uint64(chains)))
	views := make([]*pluginv1.NodeView, nodes)
	for i := range views {
		views[i] = node(uint64(i+1), time.Duration(r.Int64N(int64(300*time.Millisecond))), func(n *pluginv1.NodeView) {
			n.Avoided = r.IntN(20) == 0
			n.Peer.Cordoned = r.IntN(20) == 0
			n.Peer.Health = meshosv1.NodeHealth(r.IntN(4))
			n.Peer.Maintenance = meshosv1.MaintenancePhase(r.IntN(3))
			n.Peer.Inventory = &meshosv1.PeerInventory{
				Peer: uint64(i + 1), CpuLoad_1M: proto.Float64(r.Float64() * 16),
				MemUsedBytes: proto.Uint64(r.Uint64N(64)), MemTotalBytes: proto.Uint64(64),
				DiskUsedBytes: proto.Uint64(r.Uint64N(512)), DiskTotalBytes: proto.Uint64(512),
			}
		})
	}
	all := make([]*pluginv1.ChainView, chains)
	for i := range all {
		holders := make([]uint64, 0, 3)
		for len(holders) < 3 {
			if h := r.Uint64N(uint64(nodes)) + 1; !slices.Contains(holders, h) {
				holders = append(holders, h)
			}
		}
		slices.Sort(holders)
		all[i] = chain(uint64(i+1), holders...)
	}
	return views, all
}

func BenchmarkScore(b *testing.B) {
	for _, size := range []struct{ nodes, chains int }{{1000, 1000}, {10000, 1000}, {10000, 10000}} {
		b.Run(fmt.Sprintf("%dnodes/%dchains", size.nodes, size.chains), func(b *testing.B) {
			nodes, chains := world(size.nodes, size.chains)
			s := &scorer{self: self, formula: defaults().formula()}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := collect(b.Context(), s, pluginsdk.View{Nodes: nodes, Chains: chains}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Machines of different size compare by their CPUs, and a node that is limited by its limits.
func TestLoadIsForEachCPUOfTheNode(t *testing.T) {
	of := func(inventory *meshosv1.PeerInventory) float64 {
		f := factsOf(&pluginv1.NodeView{Peer: &meshosv1.PeerView{Peer: 2, Inventory: inventory}}, false)
		if !f.busy.known {
			return -1
		}
		return f.busy.value
	}
	for name, tc := range map[string]struct {
		in   *meshosv1.PeerInventory
		want float64
	}{
		"nothing known":       {&meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(7)}, -1},
		"a large machine":     {&meshosv1.PeerInventory{CpuLoad_1M: proto.Float64(32), LoadPerCpu: proto.Float64(0.5), Cpus: proto.Float64(64), CpusUsed: proto.Float64(16)}, 0.5},
		"at its quota":        {&meshosv1.PeerInventory{LoadPerCpu: proto.Float64(0.1), Cpus: proto.Float64(0.5), CpusUsed: proto.Float64(0.5)}, 1},
		"no CPUs":             {&meshosv1.PeerInventory{Cpus: proto.Float64(0), CpusUsed: proto.Float64(0.5)}, -1},
		"no use of CPUs":      {&meshosv1.PeerInventory{LoadPerCpu: proto.Float64(2), Cpus: proto.Float64(4)}, 2},
		"a load of no number": {&meshosv1.PeerInventory{LoadPerCpu: proto.Float64(math.NaN())}, -1},
	} {
		if got := of(tc.in); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestADiskWithoutInodesIsFull(t *testing.T) {
	inventory := &meshosv1.PeerInventory{
		DiskUsedBytes: proto.Uint64(1), DiskTotalBytes: proto.Uint64(100),
		DiskInodesUsed: proto.Uint64(100), DiskInodesTotal: proto.Uint64(100),
	}
	f := factsOf(&pluginv1.NodeView{Peer: &meshosv1.PeerView{Peer: 2, Inventory: inventory}}, false)
	if f.diskFree != is(0) {
		t.Errorf("free: %+v, want nothing", f.diskFree)
	}
}

// collect returns all scores of a view.
func collect(ctx context.Context, s *scorer, view pluginsdk.View) (out []*meshosv1.ChainScore, _ error) {
	err := s.StreamScores(ctx, view, func(part []*meshosv1.ChainScore) error {
		out = append(out, part...)
		return nil
	})
	return out, err
}
