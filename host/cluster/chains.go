package cluster

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
)

// Chains returns what the chains of the mesh are, by id; also those that were deleted.
func (s *State) Chains() []mesh.SetChain {
	var out []mesh.SetChain
	for _, o := range s.orders {
		if c, is := o.event.(mesh.SetChain); is {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b mesh.SetChain) int {
		if a.Chain < b.Chain {
			return -1
		}
		return 1
	})
	return out
}

// unfitChain returns why what a chain is to be does not fit those that there are.
func (s *State) unfitChain(ev mesh.SetChain) *rules.Rejection {
	reject := func(format string, args ...any) *rules.Rejection { return rules.Reject(KindChain, format, args...) }
	known, is := s.orders[subject{what: definition, id: uint64(ev.Chain)}].event.(mesh.SetChain)
	switch {
	case ev.Deleted && !is:
		return reject("the mesh has no chain %d; `meshos chain list` lists its chains", ev.Chain)
	case is && known.Deleted && !ev.Deleted:
		return reject("chain %d was deleted, and its id is not given again", ev.Chain)
	case ev.Deleted:
		return nil
	case is && (!slices.Equal(known.Stream.Subjects, ev.Stream.Subjects) || known.Stream.MaxBytes != ev.Stream.MaxBytes ||
		known.Stream.MaxAge != ev.Stream.MaxAge || known.Stream.Retention != ev.Stream.Retention || known.Stream.Name != ev.Stream.Name):
		return reject("what chain %d stores can't be changed, only its name and its number of replicas: create another one", ev.Chain)
	}
	for _, other := range s.Chains() {
		if other.Chain == ev.Chain || other.Deleted {
			continue
		}
		if other.Stream.Name == ev.Stream.Name && ev.Stream.Name != "" {
			return reject("the stream %s is chain %d (%s) already", ev.Stream.Name, other.Chain, other.Name)
		}
		if other.Name == ev.Name {
			return reject("chain %d is called %q already", other.Chain, ev.Name)
		}
		for _, a := range other.Stream.Subjects {
			for _, b := range ev.Stream.Subjects {
				if mesh.SubjectsMeet(a, b) {
					return reject("messages on %s would be those of chain %d (%s) as well, which holds %s", b, other.Chain, other.Name, a)
				}
			}
		}
	}
	return nil
}
