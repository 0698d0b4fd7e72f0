package scorepages

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Answered is what an answer said of each chain, as one number: enough to find out which
// chains are scored otherwise in the next answer. The zero value is that of no answer.
type Answered struct {
	chains []uint64 // ascending
	rows   []uint64
}

// Known reports whether there was an answer.
func (a *Answered) Known() bool { return a.chains != nil }

// add notes what is said of a chain. Chains may come in any order.
func (a *Answered) add(chain, row uint64) {
	a.chains, a.rows = append(a.chains, chain), append(a.rows, row)
}

// settle sorts what was added. Of what is said of a chain twice the first counts, as it
// does for a host. Chains that are those of the answer before share its memory.
func (a *Answered) settle(before *Answered) {
	if !ascending(a.chains) {
		order := make([]int, len(a.chains))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(a.chains[i], a.chains[j]) })
		var sorted Answered
		for _, i := range order {
			if n := len(sorted.chains); n == 0 || sorted.chains[n-1] != a.chains[i] {
				sorted.add(a.chains[i], a.rows[i])
			}
		}
		*a = sorted
	}
	if slices.Equal(a.chains, before.chains) {
		a.chains = before.chains
	}
	if a.chains == nil {
		a.chains = []uint64{}
	}
}

// without yields the chains of a that are not in now.
func (a *Answered) without(now *Answered, yield func(chain uint64) error) error {
	rest := now.chains
	for _, chain := range a.chains {
		for len(rest) > 0 && rest[0] < chain {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0] == chain {
			continue
		}
		if err := yield(chain); err != nil {
			return err
		}
	}
	return nil
}

// finder finds what an answer said of chains that mostly come in its order.
type finder struct {
	in   *Answered
	next int
}

func (f *finder) find(chain uint64) (row uint64, found bool) {
	at := f.next
	if at >= len(f.in.chains) || f.in.chains[at] != chain {
		if at, found = slices.BinarySearch(f.in.chains, chain); !found {
			return 0, false
		}
	}
	f.next = at + 1
	return f.in.rows[at], true
}

func ascending(ids []uint64) bool {
	for i := 1; i < len(ids); i++ {
		if ids[i-1] >= ids[i] {
			return false
		}
	}
	return true
}

// digest returns a number that is another one, as good as surely, if anything else is said
// of a chain. It has to read every field of the messages.
func digest(c *meshosv1.ChainScore) uint64 {
	h := mix(0x9e3779b97f4a7c15, uint64(len(c.GetHolders())))
	for _, n := range c.GetHolders() {
		h = score(h, n)
	}
	if best := c.GetBestAlternative(); best != nil {
		h = score(mix(h, 1), best)
	}
	if cost := c.GetCost(); cost != nil {
		h = mix(mix(h, 2), uint64(cost.GetStateTransfer().AsDuration()))
		h = mix(h, uint64(cost.GetDisruption().AsDuration()))
		h = mix(h, uint64(math.Float32bits(cost.GetReliabilityFactor())))
	}
	return h
}

func score(h uint64, n *meshosv1.NodeScore) uint64 {
	return mix(mix(h, n.GetNode()), uint64(math.Float32bits(n.GetScore())))
}

func mix(h, v uint64) uint64 {
	high, low := bits.Mul64(h^v^0xa0761d6478bd642f, 0xe7037ed1a0b428db)
	return high ^ low ^ bits.RotateLeft64(h, 23)
}
