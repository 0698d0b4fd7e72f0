package scoring

import "github.com/meshos/meshos/host/mesh"

// tally is which of the chains that the scorer was asked about have scores.
type tally struct {
	scored []bool // one for each chain of the view
	n      int
}

// after returns the tally after an answer; t is that of the chains before.
func (t tally) after(before, now []Chain, table mesh.Scores) tally {
	out := t
	if !table.Changes {
		out = tally{scored: make([]bool, len(now))}
	} else if !sameList(before, now) {
		out = tally{scored: make([]bool, len(now))}
		for i := range now {
			for len(before) > 0 && before[0].ID < now[i].ID {
				before, t.scored = before[1:], t.scored[1:]
			}
			if len(before) > 0 && before[0].ID == now[i].ID {
				out.set(i, t.scored[0])
			}
		}
	}
	find := chainFinder{in: now}
	for i := range table.Chains {
		if at, found := find.find(table.Chains[i].Chain); found {
			out.set(at, true)
		}
	}
	for _, id := range table.Unscored {
		if at, found := find.find(id); found {
			out.set(at, false)
		}
	}
	return out
}

func (t *tally) set(at int, scored bool) {
	if scored != t.scored[at] {
		t.scored[at] = scored
		if scored {
			t.n++
		} else {
			t.n--
		}
	}
}
