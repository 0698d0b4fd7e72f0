package sim_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/scenario"
	"github.com/meshos/meshos/internal/sim"
)

var large = flag.Bool("sim.large", false, "run 1,000 nodes with 200,000 chains, and say what that takes")

// size is how many nodes and chains there are.
type size struct{ nodes, chains int }

// held is how many chains a node holds.
func (s size) held() float64 { return 3 * float64(s.chains) / float64(s.nodes) }

// TestAMeshOfManyNodes runs a mesh of many nodes, each of which knows all others and the chains
// that it holds, through orders and the loss of a hundredth of its nodes.
func TestAMeshOfManyNodes(t *testing.T) {
	if !*large {
		manyNodes(t, size{40, 800})
		return
	}
	// What a node, another node that it knows and a chain that it holds take follows from small
	// meshes.
	none, more, chains := size{100, 0}, size{300, 0}, size{100, 20_000}
	alone := perNode(manyNodes(t, none), none)
	peer := (perNode(manyNodes(t, more), more) - alone) / float64(more.nodes-none.nodes)
	chain := (perNode(manyNodes(t, chains), chains) - alone) / chains.held()
	alone -= peer * float64(none.nodes)
	says := func(s size) float64 { return alone + peer*float64(s.nodes) + chain*s.held() }
	t.Logf("a node takes %.0f kB, %.2f kB for each node that it knows and %.2f kB for each chain that it holds", alone/1e3, peer/1e3, chain/1e3)

	big := size{1000, 200_000}
	got := perNode(manyNodes(t, big), big)
	t.Logf("that says %.2f MB a node for %d nodes and %d chains: measured %.2f MB", says(big)/1e6, big.nodes, big.chains, got/1e6)
	next := size{5000, 1_000_000}
	t.Logf("and %.2f MB a node for %d nodes and %d chains: %.1f GB for all of them in one process",
		says(next)/1e6, next.nodes, next.chains, says(next)*float64(next.nodes)/1e9)
}

func perNode(heap uint64, s size) float64 { return float64(heap) / float64(s.nodes) }

// manyNodes runs a mesh, says what it took, and returns the heap in use at the end.
func manyNodes(t *testing.T, s size) (heap uint64) {
	t.Helper()
	before := heapNow()
	began, cpu := time.Now(), cpuTime()
	phase := func(what string) {
		t.Logf("%d nodes, %d chains: %-28s %6.1f s, %6.1f s of CPU time, heap %6.2f GB", s.nodes, s.chains, what,
			time.Since(began).Seconds(), (cpuTime() - cpu).Seconds(), float64(heapNow()-before)/1e9)
		began, cpu = time.Now(), cpuTime()
	}
	rng := rand.New(rand.NewPCG(1, 1))
	story := &scenario.Scenario{Nodes: s.nodes, Seeds: 5, Chains: s.chains, Replicas: 3, End: 5 * time.Minute}
	add := func(at time.Duration, do scenario.Action) {
		story.Steps = append(story.Steps, scenario.Step{At: at, Do: do})
	}
	for i := range 10 {
		add(30*time.Second+time.Duration(i)*time.Second, scenario.Order{
			Name: fmt.Sprint("o", i), On: 1 + rng.IntN(s.nodes), Verb: "cordon", Arg: fmt.Sprint(1 + rng.IntN(s.nodes)),
		})
		story.Expect = append(story.Expect, scenario.Expect{Order: fmt.Sprint("o", i), What: scenario.Accepted})
	}
	for range max(1, s.nodes/100) {
		add(60*time.Second, scenario.Kill{Node: 6 + rng.IntN(s.nodes-5), For: 60 * time.Second})
	}
	base := sim.NewBase(t, s.nodes, 5, false)
	phase("the log of who belongs to it")
	w := sim.New(base, story, 1, sim.Options{Few: true})
	phase("all nodes start")
	until := func(end time.Duration) {
		if err := w.RunTo(end); err != nil {
			t.Fatal(err)
		}
	}
	until(30 * time.Second)
	phase("30 s in which nothing happens")
	until(60 * time.Second)
	phase("30 s with 10 orders")
	until(2 * time.Minute)
	phase("60 s without 1 % of them")
	if err := w.Run(); err != nil {
		t.Fatal(err)
	}
	phase("180 s with them again")
	t.Logf("%d nodes, %d chains: %v, the process had %.2f GB at most", s.nodes, s.chains, w.Stats(), peak())
	heap = heapNow() - before
	runtime.KeepAlive(w)
	return heap
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak returns the greatest resident size of this process so far, in GB.
func peak() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	if m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status); m != nil {
		kb, _ := strconv.ParseFloat(string(m[1]), 64)
		return kb / 1e6
	}
	return 0
}
