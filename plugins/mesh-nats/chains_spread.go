package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
	natsv1 "github.com/meshos/meshos/proto/meshos/nats/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// spread is over which label of nodes the replicas of a chain are spread, and how many there are
// of each value.
type spread struct {
	label string // "": over none
	held  map[string]int
	nodes map[uint64]*natsv1.HolderBeat
}

func spreadOf(c *meshosv1.SetChain, nodes map[uint64]*natsv1.HolderBeat) *spread {
	return &spread{label: c.GetSpread(), held: map[string]int{}, nodes: nodes}
}

func (s *spread) valueOf(node uint64) string { return s.nodes[node].GetLabels()[s.label] }

// crowd returns how many replicas there are beside a node's; one without the label is the last
// choice.
func (s *spread) crowd(node uint64) int {
	value := s.valueOf(node)
	if value == "" {
		return 1 << 20
	}
	return s.held[value]
}

// take notes that a node has a replica.
func (s *spread) take(node uint64) { s.held[s.valueOf(node)]++ }

// best returns those candidates that crowd least, in their order.
func (s *spread) best(candidates []uint64) []uint64 {
	if s.label == "" || len(candidates) == 0 {
		return candidates
	}
	least := s.crowd(candidates[0])
	for _, id := range candidates {
		least = min(least, s.crowd(id))
	}
	return slices.DeleteFunc(slices.Clone(candidates), func(id uint64) bool { return s.crowd(id) > least })
}

// first returns up to so many of the nodes, the first of those that crowd least each time.
func (s *spread) first(nodes []uint64, most int) (out []uint64) {
	rest := slices.Clone(nodes)
	for len(out) < most && len(rest) > 0 {
		next := s.best(rest)[0]
		s.take(next)
		out = append(out, next)
		rest = slices.DeleteFunc(rest, func(id uint64) bool { return id == next })
	}
	return out
}

// shared returns what keeps replicas apart less than the label says, or "".
func (s *spread) shared() string {
	if s.label == "" {
		return ""
	}
	var out []string
	for value, n := range s.held {
		switch {
		case value == "":
			out = append(out, fmt.Sprintf("%d on nodes without a label %s", n, s.label))
		case n > 1:
			out = append(out, fmt.Sprintf("%d in %s %s", n, s.label, value))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// among returns the spread of a chain as it is held, but for a holder that gives its replica up.
func (h *holder) among(c *meshosv1.SetChain, i chains.Info, victim string, nodes map[uint64]*natsv1.HolderBeat) *spread {
	s := spreadOf(c, nodes)
	for _, p := range i.Peers {
		if id := seedOf(p.Name); p.Name != victim && nodes[id] != nil {
			s.take(id)
		}
	}
	return s
}

// sayShared says once that the replicas of a chain are not apart as they should be.
func (h *holder) sayShared(chain uint64, s *spread) {
	why := s.shared()
	h.mu.Lock()
	said := h.shared[chain]
	h.shared[chain] = why
	h.mu.Unlock()
	if why != "" && why != said {
		h.log.Warn("the replicas of a chain are not spread as it says: no other nodes take them", "chain", chain, "spread", s.label, "replicas", why)
	}
}
