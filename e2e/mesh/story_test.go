package mesh

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/internal/scenario"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The stories that internal/sim runs, on real nodes. What they say of time is the order in which
// things happen: nothing here waits for a clock, and an order is given again until what is
// expected of it is true. Chains and signatures are left out. If most of the engines are set
// back, all of them lose everything.
func TestStoriesOnRealNodes(t *testing.T) {
	files, err := filepath.Glob("../../internal/sim/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var rows []row
	var last []row
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := scenario.Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if s.Nodes != len(five) || s.Seeds != 3 || s.Checkpoint || strings.Contains(string(text), " junk ") {
			continue // of another mesh, of a plugin that appends what its host did not sign, or of a checkpoint, which the world of five seeds shows
		}
		r := row{name: strings.TrimSuffix(filepath.Base(file), ".txt"), run: func(w *world, _ *orders) { newTeller(w, s).tell() }}
		if slices.Contains(s.Expect, scenario.Expect{What: scenario.Forked}) {
			last = append(last, r)
			continue
		}
		rows = append(rows, r)
	}
	w := newWorld(t, 5)
	w.found(3, five...)
	w.play(rows)
	for _, r := range last { // nothing is as it was then
		t.Run(r.name, func(t *testing.T) {
			w.t = t
			r.run(w, nil)
		})
		w.t = t
	}
}

// teller runs a story.
type teller struct {
	w      *world
	s      *scenario.Scenario
	orders *orders
	armed  map[int]chan struct{} // closed when a node was killed that was to be so once it writes
	honest map[int][]byte        // configurations of nodes whose plugins lie
}

// event is something that happens. Those of one time that are orders happen at once.
type event struct {
	at    time.Duration
	order *scenario.Order
	do    func()
	name  string
}

func newTeller(w *world, s *scenario.Scenario) *teller {
	return &teller{w: w, s: s, orders: &orders{row: w.t.Name()}, armed: map[int]chan struct{}{}, honest: map[int][]byte{}}
}

func (t *teller) tell() {
	events := t.events()
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[0].order != nil && events[n].order != nil && events[n].at == events[0].at {
			n++
		}
		t.w.t.Logf("at %s: %s", events[0].at, events[0].name)
		if n == 1 {
			events[0].do()
		} else {
			var all sync.WaitGroup
			for _, e := range events[:n] {
				all.Go(e.do)
			}
			all.Wait()
		}
		events = events[n:]
	}
	for _, e := range t.s.Expect {
		switch e.What {
		case scenario.Equal:
			t.rest()
			t.w.check(t.orders, five...)
		case scenario.Forked:
			t.w.wait(func() string { return "a node says that the log forked" }, func() bool {
				t.goOn()
				return slices.ContainsFunc(five, func(id int) bool { return t.w.snapshot(id).GetMesh().GetFrozen() != "" })
			})
		}
	}
}

// goOn orders something on all nodes. While a log forks, those of one branch are refused until it
// goes on, and nobody knows on which one the seeds are.
func (t *teller) goOn() {
	ctx, cancel := context.WithTimeout(t.w.t.Context(), 5*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for _, id := range five {
		all.Go(func() { _ = t.w.publish(ctx, id, t.orders.next("the log goes on, on %d", id)) })
	}
	all.Wait()
}

// rest ends all that a story began, for the one after it.
func (t *teller) rest() {
	t.w.lab.Net.Heal()
	t.w.lab.Net.Weather(0, 0)
	for _, id := range five {
		if n := t.w.lab.Node(id); n.ClockOff != 0 {
			t.clock(id, 0)
		}
	}
	t.w.thaw(1, five...)
	for _, id := range five {
		t.w.eventually(1, "admin", "uncordon", "--node", strconv.Itoa(id), "--yes")
	}
}

// events returns what happens in a story, with the ends of what lasts for a time.
func (t *teller) events() (out []event) {
	w := t.w
	add := func(at time.Duration, name string, do func()) { out = append(out, event{at: at, do: do, name: name}) }
	for _, step := range t.s.Steps {
		name := step.Do.String()
		switch a := step.Do.(type) {
		case scenario.Cut:
			add(step.At, name, func() { w.lab.Net.Cut(a.Groups...) })
		case scenario.OneWay:
			add(step.At, name, func() { w.lab.Net.OneWay(a.From, a.To) })
		case scenario.Heal:
			add(step.At, name, w.lab.Net.Heal)
		case scenario.Network:
			add(step.At, name, func() { w.lab.Net.Weather(a.Loss, a.Delay) })
		case scenario.Kill:
			add(step.At, name, func() { t.kill(a) })
			add(step.At+a.For, fmt.Sprintf("start %d", a.Node), func() { t.startAgain(a.Node) })
		case scenario.Stop:
			add(step.At, name, func() { w.signal(w.lab.Node(a.Node).PID(), syscall.SIGSTOP) })
			add(step.At+a.For, fmt.Sprintf("go on %d", a.Node), func() { w.signal(w.lab.Node(a.Node).PID(), syscall.SIGCONT) })
		case scenario.Clock:
			add(step.At, name, func() { t.clock(a.Node, a.By) })
		case scenario.WipeSeed:
			add(step.At, name, func() { w.wipe(a.Nodes...) })
		case scenario.SetBackSeed:
			if len(a.Nodes) > t.s.Seeds/2 {
				add(step.At, name, func() { w.wipe(five[:t.s.Seeds]...) })
				break
			}
			add(t.before(step.At, a.By), fmt.Sprintf("back up the stores of %v", a.Nodes), func() { w.backUp(a.Nodes...) })
			add(step.At, name, func() { w.putBack(a.Nodes...) })
		case scenario.SetBackRecord:
			add(step.At, name, func() {
				w.stop(a.Node)
				w.setBack(a.Node, a.By)
				w.start(a.Node)
			})
		case scenario.Lie:
			add(step.At, name, func() { t.lie(a) })
			add(step.At+a.For, fmt.Sprintf("the truth %d", a.Node), func() { t.truth(a.Node) })
		case scenario.Order:
			out = append(out, event{at: step.At, order: &a, do: func() { t.order(a) }, name: name})
		default:
			w.t.Fatalf("%s: can't be done on real nodes", name)
		}
	}
	slices.SortStableFunc(out, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return out
}

// before returns when the nth order before a time is given, or a moment before.
func (t *teller) before(at time.Duration, n int) time.Duration {
	for _, step := range slices.Backward(t.s.Steps) {
		if _, is := step.Do.(scenario.Order); is && step.At < at {
			if n--; n == 0 {
				return step.At - 1
			}
		}
	}
	return 0
}

// kill kills a node now, or as soon as it writes an entry of the log.
func (t *teller) kill(a scenario.Kill) {
	if a.When == scenario.Now {
		t.w.lab.Node(a.Node).Kill()
		return
	}
	done := make(chan struct{})
	t.armed[a.Node] = done
	size := t.w.recordSize(a.Node)
	go func() {
		defer close(done)
		for began := time.Now(); t.w.recordSize(a.Node) == size && time.Since(began) < patience; {
		}
		t.w.lab.Node(a.Node).Kill()
	}()
}

func (t *teller) startAgain(id int) {
	if done := t.armed[id]; done != nil {
		<-done
		delete(t.armed, id)
	}
	t.w.start(id)
}

func (t *teller) clock(id int, off time.Duration) {
	t.w.stop(id)
	t.w.lab.Node(id).ClockOff = off
	t.w.start(id)
}

func (t *teller) lie(a scenario.Lie) {
	n := t.w.lab.Node(a.Node)
	t.honest[a.Node] = t.w.config(a.Node)
	t.w.stop(a.Node)
	lies := map[string]string{"gap": "gap", "reorder": "order", "flip": "signature"}
	t.w.write(n.Config(), t.w.liar(t.honest[a.Node], lies[a.How]))
	t.w.start(a.Node)
}

func (t *teller) truth(id int) {
	t.w.stop(id)
	t.w.write(t.w.lab.Node(id).Config(), t.honest[id])
	t.w.start(id)
}

// order gives a command until it ends as the story expects.
func (t *teller) order(a scenario.Order) {
	want := ""
	for _, e := range t.s.Expect {
		if e.Order == a.Name {
			want = e.What
		}
	}
	var last error
	t.w.wait(func() string {
		return fmt.Sprintf("order %s is %s: %v; the mesh: %v", a.Name, want, last, t.w.snapshot(a.On).GetMesh())
	}, func() bool {
		ctx, cancel := context.WithTimeout(t.w.t.Context(), patience)
		defer cancel()
		reason := t.orders.next("order %s", a.Name)
		last = t.w.publishEvent(ctx, a.On, reason, adminEvent(a))
		t.orders.heard(reason, last)
		switch want {
		case scenario.Accepted:
			return last == nil
		case scenario.Refused:
			if last == nil {
				t.w.t.Errorf("order %s was accepted; it was to be refused", a.Name)
			}
			return last == nil || strings.Contains(last.Error(), "mesh_unreachable")
		case scenario.Void, scenario.Frozen:
			if last == nil {
				t.w.t.Errorf("order %s was accepted; it was to be %s", a.Name, want)
			}
			return last == nil || strings.Contains(last.Error(), map[string]string{scenario.Void: "void", scenario.Frozen: "freeze"}[want])
		}
		return true
	})
}

// adminEvent returns the command of an order.
func adminEvent(a scenario.Order) *meshosv1.AdminEvent {
	id, _ := strconv.ParseUint(a.Arg, 10, 64)
	node := &meshosv1.NodeTarget{Node: id}
	switch a.Verb {
	case "cordon":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: node}}
	case "uncordon":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Uncordon{Uncordon: node}}
	case "drain":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Drain{Drain: &meshosv1.Drain{Node: id}}}
	case "maintenance":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_EnterMaintenance{EnterMaintenance: &meshosv1.EnterMaintenance{Node: id}}}
	case "exit":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExitMaintenance{ExitMaintenance: node}}
	case "freeze":
		ttl, _ := time.ParseDuration(a.Arg)
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FreezeCluster{FreezeCluster: &meshosv1.FreezeCluster{Ttl: durationpb.New(ttl)}}}
	case "thaw":
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ThawCluster{ThawCluster: &meshosv1.ThawCluster{}}}
	default: // flush
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_FlushAvoidLists{FlushAvoidLists: &meshosv1.FlushAvoidLists{
			Scope: &meshosv1.FlushAvoidLists_Global{Global: true},
		}}}
	}
}
