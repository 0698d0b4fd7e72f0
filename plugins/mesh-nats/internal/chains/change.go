package chains

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what a change does.
type Kind uint8

// The kinds of change.
const (
	Create   Kind = iota + 1 // the stream comes to be, on exactly Targets
	Grow                     // one more holds it: Targets[0]
	Shrink                   // one less holds it; the engine chooses which
	Swap                     // Targets[0] holds it in place of Victim
	Replace                  // the same without asking Victim, for a stream that has lost its quorum
	Handover                 // Targets[0] leads it
	Adopt                    // its placement asks for Tag from now on, which all who hold it bear: Targets
	Follow                   // nothing is asked: a change that is under way is seen to its end
)

func (k Kind) String() string {
	return [...]string{"nothing", "create", "grow", "shrink", "swap", "replace", "hand over", "adopt", "follow"}[k]
}

// Change is a change of who holds a stream.
type Change struct {
	Kind    Kind
	Stream  string
	Self    string   // the server that asks: it leads the stream, if the change needs a leader
	Targets []string // who agreed, and bears the tag
	Victim  string
	Tag     string // of Adopt: without it the stream's placement asks for another one, or for none
	// Replicas is how many hold it afterwards: of Create, Grow and Shrink.
	Replicas int
}

func (c Change) String() string {
	to := strings.Join(c.Targets, ", ")
	switch c.Kind {
	case Create:
		return fmt.Sprintf("create %s on %s", c.Stream, to)
	case Grow:
		return fmt.Sprintf("give %s to %s", c.Stream, to)
	case Shrink:
		return fmt.Sprintf("take a replica of %s away", c.Stream)
	case Handover:
		return fmt.Sprintf("hand %s over to %s", c.Stream, to)
	case Adopt:
		return fmt.Sprintf("take %s over on %s", c.Stream, to)
	case Follow:
		return fmt.Sprintf("see what is under way of %s to its end", c.Stream)
	}
	return fmt.Sprintf("move %s from %s to %s", c.Stream, c.Victim, to)
}

// needsLeader reports whether the change may be asked for only while the stream has a leader,
// which is the server that asks.
func (c Change) needsLeader() bool { return c.Kind != Create && c.Kind != Replace }

// reached reports whether a stream is as the change wants it, and nothing is under way.
func (c Change) reached(i Info) bool {
	if i.Changing || i.Leader == "" {
		return false
	}
	for _, t := range c.Targets {
		if !i.ready(t) {
			return false
		}
	}
	switch c.Kind {
	case Create, Grow, Shrink:
		return i.Replicas == c.Replicas && len(i.names()) == c.Replicas
	case Swap, Replace:
		_, still := i.peer(c.Victim)
		return !still
	case Handover:
		return i.Leader == c.Targets[0]
	case Adopt:
		return slices.Contains(i.Tags, c.Tag) && c.isHeldByTargets(i)
	}
	return true
}

// isHeldByTargets reports whether the targets are all who hold a stream.
func (c Change) isHeldByTargets(i Info) bool {
	return slices.Equal(i.names(), slices.Sorted(slices.Values(c.Targets)))
}

// strays reports whether the engine moves a stream elsewhere that is to stay where it is.
func (c Change) strays(i Info) bool {
	return c.Kind == Adopt && slices.ContainsFunc(i.Desired, func(d string) bool { return !slices.Contains(c.Targets, d) })
}

// underWay reports whether what is under way of a stream is this change.
func (c Change) underWay(i Info) bool {
	if !i.Changing {
		return false
	}
	switch c.Kind {
	case Follow:
		return true
	case Adopt:
		return slices.Contains(i.Tags, c.Tag)
	case Handover:
		return false
	case Shrink: // whom the engine chose is not known before it has
		return i.Replicas == c.Replicas
	case Create, Grow:
		if i.Replicas != c.Replicas {
			return false
		}
	}
	for _, t := range c.Targets {
		if !i.wants(t) {
			return false
		}
	}
	return c.Victim == "" || !i.wants(c.Victim)
}
