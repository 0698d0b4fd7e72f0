package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scenario is a story about a mesh.
type Scenario struct {
	Nodes, Seeds     int
	Chains, Replicas int
	Operators        bool
	Checkpoint       bool // the log has one when the story begins
	End              time.Duration
	Steps            []Step // by time
	Expect           []Expect
}

// Step is something that happens at a time.
type Step struct {
	At time.Duration
	Do Action
}

// Action is what happens. The set is closed; String returns it as a story has it.
type Action interface{ String() string }

// What happens.
type (
	// Cut has the nodes of each group reach only each other.
	Cut struct{ Groups [][]int }
	// OneWay keeps what some nodes say from others.
	OneWay struct{ From, To []int }
	// Heal ends all cuts.
	Heal struct{}
	// Network changes how long messages take, and how many are lost.
	Network struct {
		Delay time.Duration
		Loss  int // in percent
	}
	// Kill kills the process of a node and starts it again after a time.
	Kill struct {
		Node int
		When When
		For  time.Duration
	}
	// Stop stops the process of a node for a time.
	Stop struct {
		Node int
		For  time.Duration
	}
	// Clock sets the clock of a node forward, or back.
	Clock struct {
		Node int
		By   time.Duration
	}
	// WipeSeed empties what the engine of seeds stored.
	WipeSeed struct{ Nodes []int }
	// SetBackSeed takes the newest entries from it.
	SetBackSeed struct {
		Nodes []int
		By    int
	}
	// SetBackRecord takes the newest entries from the record of a node.
	SetBackRecord struct{ Node, By int }
	// Drop has the seeds and all nodes drop what is before the checkpoint.
	Drop struct{}
	// Behind sets the records of nodes back to before the checkpoint.
	Behind struct{ Nodes []int }
	// Lie has the plugin of a node bring something else than the log, or append what nobody ordered.
	Lie struct {
		Node int
		How  string // gap, reorder, flip or junk
		For  time.Duration
	}
	// Order is a command that is given at a node.
	Order struct {
		Name string
		On   int
		Verb string
		Arg  string // a node or a duration
	}
)

// When is at which moment a node is killed.
type When string

// The moments.
const (
	Now       When = ""
	Recording When = "recording"
	Recorded  When = "recorded"
)

// Expect is what must hold: of an order what whoever gave it hears, or of all nodes at the end.
type Expect struct {
	Order string // empty: of all nodes
	What  string
}

// What may be expected of an order, and of all nodes.
const (
	Accepted = "accepted"
	Void     = "void"
	Frozen   = "frozen"
	Refused  = "refused"
	Unknown  = "unknown"
	Answered = "answered"

	Equal  = "equal"
	Forked = "forked"
)

func list(ids []int) string {
	var parts []string
	for _, id := range ids {
		parts = append(parts, fmt.Sprint(id))
	}
	return strings.Join(parts, ",")
}

func (a Cut) String() string {
	var groups []string
	for _, g := range a.Groups {
		groups = append(groups, list(g))
	}
	return "cut " + strings.Join(groups, " | ")
}

func (a OneWay) String() string  { return "one-way " + list(a.From) + " > " + list(a.To) }
func (a Heal) String() string    { return "heal" }
func (a Network) String() string { return fmt.Sprintf("network delay %s loss %d%%", a.Delay, a.Loss) }

func (a Kill) String() string {
	if a.When != Now {
		return fmt.Sprintf("kill %d %s for %s", a.Node, a.When, a.For)
	}
	return fmt.Sprintf("kill %d for %s", a.Node, a.For)
}

func (a Stop) String() string {
	return fmt.Sprintf("stop %d for %s", a.Node, a.For)
}

func (a Clock) String() string {
	if a.By >= 0 {
		return fmt.Sprintf("clock %d +%s", a.Node, a.By)
	}
	return fmt.Sprintf("clock %d %s", a.Node, a.By)
}
func (a WipeSeed) String() string { return "wipe-seed " + list(a.Nodes) }
func (a SetBackSeed) String() string {
	return fmt.Sprintf("set-back-seed %s by %d", list(a.Nodes), a.By)
}

func (a SetBackRecord) String() string { return fmt.Sprintf("set-back-record %d by %d", a.Node, a.By) }

func (a Drop) String() string   { return "drop" }
func (a Behind) String() string { return "behind " + list(a.Nodes) }

func (a Lie) String() string { return fmt.Sprintf("lie %d %s for %s", a.Node, a.How, a.For) }

func (a Order) String() string {
	return strings.TrimSpace(fmt.Sprintf("order %s on %d: %s %s", a.Name, a.On, a.Verb, a.Arg))
}

// String returns the scenario as a text that Parse reads.
func (s *Scenario) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nodes %d\nseeds %d\n", s.Nodes, s.Seeds)
	if s.Chains > 0 {
		fmt.Fprintf(&b, "chains %d\nreplicas %d\n", s.Chains, s.Replicas)
	}
	if s.Operators {
		b.WriteString("operators\n")
	}
	if s.Checkpoint {
		b.WriteString("checkpoint\n")
	}
	fmt.Fprintf(&b, "end %s\n", s.End)
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "at %s %s\n", step.At, step.Do)
	}
	for _, e := range s.Expect {
		fmt.Fprintln(&b, "expect", strings.TrimSpace(e.Order+" "+e.What))
	}
	return b.String()
}

// Sort puts the steps in the order of their times.
func (s *Scenario) Sort() {
	slices.SortStableFunc(s.Steps, func(a, b Step) int { return int(a.At - b.At) })
}
