package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse reads a story. The error names the line.
func Parse(text string) (*Scenario, error) {
	s := &Scenario{Seeds: 1, Replicas: 3}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if err := s.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %q: %w", i+1, line, err)
		}
	}
	if s.Nodes == 0 || s.Seeds > s.Nodes || s.End == 0 {
		return nil, fmt.Errorf("nodes and end must be set, and there can't be more seeds than nodes")
	}
	s.Sort()
	return s, s.check()
}

// check looks whether all that is named exists.
func (s *Scenario) check() error {
	var orders []string
	for _, step := range s.Steps {
		nodes := []int{}
		switch a := step.Do.(type) {
		case Cut:
			nodes = slices.Concat(a.Groups...)
		case OneWay:
			nodes = slices.Concat(a.From, a.To)
		case Kill:
			nodes = []int{a.Node}
		case Stop:
			nodes = []int{a.Node}
		case Clock:
			nodes = []int{a.Node}
		case WipeSeed:
			nodes = a.Nodes
		case SetBackSeed:
			nodes = a.Nodes
		case SetBackRecord:
			nodes = []int{a.Node}
		case Behind:
			nodes = a.Nodes
		case Lie:
			nodes = []int{a.Node}
		case Order:
			nodes = []int{a.On}
			if slices.Contains(orders, a.Name) {
				return fmt.Errorf("two orders have the name %s", a.Name)
			}
			orders = append(orders, a.Name)
		}
		for _, n := range nodes {
			if n < 1 || n > s.Nodes {
				return fmt.Errorf("at %s: there is no node %d", step.At, n)
			}
		}
	}
	for _, e := range s.Expect {
		if e.Order != "" && !slices.Contains(orders, e.Order) {
			return fmt.Errorf("there is no order %s", e.Order)
		}
	}
	return nil
}

func (s *Scenario) line(line string) error {
	words := strings.Fields(line)
	r := &reader{words: words[1:]}
	switch words[0] {
	case "nodes":
		s.Nodes = r.number()
	case "seeds":
		s.Seeds = r.number()
	case "chains":
		s.Chains = r.number()
	case "replicas":
		s.Replicas = r.number()
	case "operators":
		s.Operators = true
	case "checkpoint":
		s.Checkpoint = true
	case "end":
		s.End = r.duration()
	case "at":
		step := Step{At: r.duration()}
		step.Do = r.action()
		s.Steps = append(s.Steps, step)
	case "expect":
		e := Expect{What: r.word()}
		if len(r.words) > 0 {
			e.Order, e.What = e.What, r.word()
		}
		forAll := e.What == Equal || e.What == Forked
		if forAll != (e.Order == "") || !slices.Contains([]string{Accepted, Void, Frozen, Refused, Unknown, Answered, Equal, Forked}, e.What) {
			return fmt.Errorf("nothing like that can be expected")
		}
		s.Expect = append(s.Expect, e)
	default:
		return fmt.Errorf("no line begins so")
	}
	if r.err == nil && len(r.words) > 0 {
		r.fail("%q is too much", strings.Join(r.words, " "))
	}
	return r.err
}

// reader takes the words of a line one after the other. Its first error stays.
type reader struct {
	words []string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) word() string {
	if len(r.words) == 0 {
		r.fail("it ends too early")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

func (r *reader) is(word string) bool {
	if len(r.words) == 0 || r.words[0] != word {
		return false
	}
	r.words = r.words[1:]
	return true
}

func (r *reader) must(word string) {
	if !r.is(word) {
		r.fail("%q is missing", word)
	}
}

func (r *reader) number() int {
	w := r.word()
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 {
		r.fail("%q is not a number", w)
	}
	return n
}

func (r *reader) duration() time.Duration {
	w := r.word()
	d, err := time.ParseDuration(w)
	if err != nil {
		r.fail("%q is not a time such as 90s", w)
	}
	return d
}

func (r *reader) nodes() (ids []int) {
	for _, part := range strings.Split(r.word(), ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			r.fail("%q is not a node", part)
		}
		ids = append(ids, n)
	}
	return ids
}

func (r *reader) forTime() time.Duration {
	r.must("for")
	return r.duration()
}

func (r *reader) action() Action {
	switch verb := r.word(); verb {
	case "cut":
		a := Cut{Groups: [][]int{r.nodes()}}
		for r.is("|") {
			a.Groups = append(a.Groups, r.nodes())
		}
		return a
	case "one-way":
		a := OneWay{From: r.nodes()}
		r.must(">")
		a.To = r.nodes()
		return a
	case "heal":
		return Heal{}
	case "network":
		r.must("delay")
		a := Network{Delay: r.duration()}
		r.must("loss")
		percent, err := strconv.Atoi(strings.TrimSuffix(r.word(), "%"))
		if err != nil || percent < 0 || percent > 100 {
			r.fail("the loss is 0%% to 100%%")
		}
		a.Loss = percent
		return a
	case "kill":
		a := Kill{Node: r.number()}
		if r.is(string(Recording)) {
			a.When = Recording
		} else if r.is(string(Recorded)) {
			a.When = Recorded
		}
		a.For = r.forTime()
		return a
	case "stop":
		return Stop{Node: r.number(), For: r.forTime()}
	case "clock":
		return Clock{Node: r.number(), By: r.duration()}
	case "wipe-seed":
		return WipeSeed{Nodes: r.nodes()}
	case "set-back-seed":
		a := SetBackSeed{Nodes: r.nodes()}
		r.must("by")
		a.By = r.number()
		return a
	case "set-back-record":
		a := SetBackRecord{Node: r.number()}
		r.must("by")
		a.By = r.number()
		return a
	case "drop":
		return Drop{}
	case "behind":
		return Behind{Nodes: r.nodes()}
	case "lie":
		a := Lie{Node: r.number(), How: r.word()}
		if !slices.Contains([]string{"gap", "reorder", "flip", "junk"}, a.How) {
			r.fail("a plugin lies by gap, reorder, flip or junk")
		}
		a.For = r.forTime()
		return a
	case "order":
		return r.order()
	default:
		r.fail("nothing is called %q", verb)
		return Heal{}
	}
}

func (r *reader) order() Action {
	a := Order{Name: r.word()}
	r.must("on")
	on, err := strconv.Atoi(strings.TrimSuffix(r.word(), ":"))
	if err != nil {
		r.fail("\"on 3:\" is missing")
	}
	a.On, a.Verb = on, r.word()
	switch a.Verb {
	case "thaw", "flush":
	case "freeze":
		a.Arg = fmt.Sprint(r.duration())
	case "cordon", "uncordon", "drain", "maintenance", "exit":
		a.Arg = fmt.Sprint(r.number())
	default:
		r.fail("there is no command %q", a.Verb)
	}
	return a
}
