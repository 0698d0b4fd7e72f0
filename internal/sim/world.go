package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/scenario"
)

// Broken is a rule that the nodes of a world break, so that tests see that it is found.
type Broken int

// What can be broken.
const (
	Nothing           Broken = iota
	JudgesByOwnClock         // whether an entry is void is judged by the node's own clock
	ActsBeforeDisk           // what an entry says is done before it is on disk
	TriesAgainInDoubt        // an order without an answer is ordered again at once
	ObeysBlindly             // the engine of chains removes whatever it is asked to
)

// Options change a world.
type Options struct {
	Break Broken
	// NoDedup has the engine forget the ids of entries, as one may whose memory of them is short.
	NoDedup bool
	// Few has nodes hear only of chains that they hold, as nodes of a mesh with many do.
	Few   bool
	Trace func(line string)
}

// World is a mesh with all that happens in it. It belongs to one goroutine.
type World struct {
	opts   Options
	base   *Base
	rng    *rand.Rand
	now    mesh.Time
	seq    uint64
	steps  int
	queue  events
	nonces uint64

	net    network
	nodes  []*node
	engine *engine
	chains *chains
	oracle *oracle
	story  *scenario.Scenario

	faults  int // so far
	wentOn  int // nodes, from a checkpoint
	jumps   int // of the log, to where the records begin
	actions int // that were handed out
	last    mesh.Emitted
	lastBy  mesh.NodeID
	failure error
}

// begins is when a world begins: not at 0, so that an instant that is not set is noticed.
const begins = mesh.Time(time.Hour)

// New returns the world of a story.
func New(base *Base, story *scenario.Scenario, seed uint64, opts Options) *World {
	w := &World{opts: opts, base: base, story: story, rng: rand.New(rand.NewPCG(seed, 1)), now: begins}
	w.oracle = newOracle(w)
	w.engine = &engine{w: w, stores: map[mesh.NodeID][]stored{}, heard: map[mesh.NodeID]said{}}
	var log []stored
	for _, e := range base.entries {
		log = append(log, stored{entry: e, hash: cluster.HashOf(e)})
	}
	for i := range base.nodes {
		n := &node{w: w, id: mesh.NodeID(i + 1), disk: slices.Clip(base.records), acked: map[string]ack{}}
		w.nodes = append(w.nodes, n)
		if i < base.seeds {
			w.engine.seeds = append(w.engine.seeds, n.id)
			w.engine.stores[n.id] = slices.Clip(log)
		}
	}
	w.chains = newChains(w, story.Chains, story.Replicas)
	for _, n := range w.nodes {
		n.boot()
	}
	w.engine.elect()
	for _, step := range story.Steps {
		w.after(step.At, func() { w.happen(step) })
	}
	return w
}

func (w *World) node(id mesh.NodeID) *node { return w.nodes[id-1] }

// trueWall is the right time.
func (w *World) trueWall() time.Time { return w.base.wall.Add(w.now.Sub(begins)) }

// RunTo runs the story up to a time, and returns what did not hold.
func (w *World) RunTo(end time.Duration) error {
	w.run(begins.Add(end))
	return w.failure
}

// Run runs the story to its end, and returns what did not hold.
func (w *World) Run() error {
	w.run(begins.Add(w.story.End))
	if w.failure == nil {
		w.oracle.atEnd()
		w.expected()
		w.bounded()
	}
	return w.failure
}

// Stats says what happened in a world, to see that a story is one.
func (w *World) Stats() map[string]int {
	out := map[string]int{"steps": w.steps, "actions": w.actions, "refused removals": w.chains.refused, "went on from a checkpoint": w.wentOn, "jumps": w.jumps, "entries": int(w.nodes[0].f.State().Height() - w.base.height)}
	for _, f := range w.oracle.orders {
		out["orders "+f.heard]++
	}
	for _, n := range w.nodes {
		if _, fork := n.f.Frozen(); fork != nil {
			out["forks"] = 1
		}
	}
	return out
}

func (w *World) failf(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf("after %s: "+format, append([]any{w.now.Sub(begins)}, args...)...)
		w.tracef("%v", w.failure)
	}
}

func (w *World) tracef(format string, args ...any) {
	if w.opts.Trace != nil {
		w.opts.Trace(fmt.Sprintf("%10s  ", w.now.Sub(begins).Round(time.Millisecond)) + fmt.Sprintf(format, args...))
	}
}

// happen does what a step says.
func (w *World) happen(step scenario.Step) {
	w.tracef("%s", step.Do)
	if _, is := step.Do.(scenario.Order); !is {
		w.faults++
	}
	at := func(id int) *node { return w.node(mesh.NodeID(id)) }
	switch do := step.Do.(type) {
	case scenario.Cut:
		w.net.groups = do.Groups
	case scenario.OneWay:
		for _, from := range do.From {
			for _, to := range do.To {
				w.net.oneWay = append(w.net.oneWay, pair{mesh.NodeID(from), mesh.NodeID(to)})
			}
		}
	case scenario.Heal:
		w.net.groups, w.net.oneWay = nil, nil
	case scenario.Network:
		w.net.delay, w.net.loss = do.Delay, do.Loss
	case scenario.Kill:
		n := at(do.Node)
		if do.When != scenario.Now {
			n.killAt, n.killFor = do.When, do.For
			return
		}
		n.kill()
		w.after(do.For, n.start)
	case scenario.Stop:
		n := at(do.Node)
		n.stopped, n.halted = n.up, n.up
		w.after(do.For, n.goOn)
	case scenario.Clock:
		at(do.Node).skew += do.By
	case scenario.WipeSeed:
		for _, id := range do.Nodes {
			delete(w.engine.stores, mesh.NodeID(id))
		}
		w.engine.lostStores(do.Nodes)
	case scenario.SetBackSeed:
		for _, id := range do.Nodes {
			log := w.engine.stores[mesh.NodeID(id)]
			w.engine.stores[mesh.NodeID(id)] = slices.Clip(log[:max(0, len(log)-do.By)])
		}
		w.engine.lostStores(do.Nodes)
	case scenario.SetBackRecord:
		at(do.Node).setBack(do.By)
	case scenario.Drop:
		w.drop()
	case scenario.Behind:
		for _, id := range do.Nodes {
			at(id).fallBehind()
		}
	case scenario.Lie:
		n := at(do.Node)
		n.lie = do.How
		w.after(do.For, func() { n.lie = "" })
		w.engine.junk(n)
	case scenario.Order:
		at(do.On).begin(do)
		return
	}
	w.engine.changed()
}

// lostStores has the seeds begin anew whose stores are others now.
func (e *engine) lostStores(seeds []int) {
	if slices.Contains(seeds, int(e.leader)) {
		e.leader = 0
	}
}

// acted hears of an action that a node hands out.
func (w *World) acted(n *node, e mesh.Emitted) {
	w.actions++
	w.last, w.lastBy = e, n.id
	if w.opts.Trace != nil {
		w.tracef("node %d: %s %+v", n.id, e.Action.Kind(), e.Action)
	}
}

// expected checks what the story expects.
func (w *World) expected() {
	for _, e := range w.story.Expect {
		switch {
		case e.What == scenario.Equal:
			w.oracle.equal()
		case e.What == scenario.Forked:
			if !slices.ContainsFunc(w.nodes, func(n *node) bool { _, fork := n.f.Frozen(); return fork != nil }) {
				w.failf("no node says that the log forked")
			}
		default:
			f := w.oracle.orders[e.Order]
			if f.heard != e.What && e.What != scenario.Answered {
				w.failf("order %s: whoever gave it heard %s (%s), and not %s", e.Order, f.heard, f.more, e.What)
			}
		}
	}
}

// quiet is how long nobody must have acted at the end.
const quiet = 20 * time.Second

// bounded checks that faults led to a bounded number of actions, and that acting has ended.
func (w *World) bounded() {
	most := 40 * (w.faults + len(w.oracle.orders) + 1) * (len(w.chains.all) + 1)
	if w.actions > most {
		w.failf("%d actions were handed out, and at most %d are bounded", w.actions, most)
	}
	if w.actions > 0 && w.now.Sub(w.last.At) < quiet {
		w.failf("node %d still acts, long after all faults: %s %+v", w.lastBy, w.last.Action.Kind(), w.last.Action)
	}
}

// verdict returns what a node makes of a verdict of the log.
func (w *World) verdict(n *node, out cluster.Outcome) cluster.Outcome {
	if w.opts.Break != JudgesByOwnClock {
		return out
	}
	rejected := out.Order.Outcome.Kind == cluster.KindVoid
	if off := out.At.Sub(n.wall()); off.Abs() > cluster.MaxSkew != rejected {
		out.Order.Outcome = mesh.Verification{Verdict: mesh.VerdictUnverified}
		if !rejected {
			out.Order.Outcome = mesh.Verification{Verdict: mesh.VerdictRejected, Kind: cluster.KindVoid}
		}
	}
	return out
}

// input returns what the loop folds of a verdict, as host/meshlog makes it.
func (w *World) input(out cluster.Outcome, wall time.Time) mesh.JudgedCommit {
	in := out.Order
	in.Ordered.Mesh = true
	in.Late = in.Event != nil && cluster.Momentary(in.Event) && wall.Sub(out.Place.At) > w.base.freshness
	return in
}
