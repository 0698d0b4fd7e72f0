package signers

import (
	"math"
	"slices"
	"time"
)

// Persons returns the least number of different persons that the signers can be. Two
// signers count as one person if their principals could have a name in common, as people
// read them.
func Persons(all []Signer) int { return personsUpTo(all, math.MaxInt) }

// personsUpTo returns the number of persons if it is less than most, and else most.
func personsUpTo(all []Signer, most int) int {
	picked := crowd{folded: make(map[string]bool), latin: make(map[string]bool)}
	count := 0
	for _, s := range narrowFirst(all) {
		if count >= most {
			break
		}
		if !picked.mayHave(s.readings) {
			picked.add(s.readings)
			count++
		}
	}
	return count
}

// crowd is the principals of many persons. Names are found without a look at each: a file may
// have thousands.
type crowd struct {
	folded, latin   map[string]bool // names
	names, patterns []reading
}

func (c *crowd) add(principals []reading) {
	for _, r := range principals {
		switch {
		case r.excluded:
		case r.pattern:
			c.patterns = append(c.patterns, r)
		default:
			c.names = append(c.names, r)
			c.folded[r.folded], c.latin[r.latin] = true, true
		}
	}
}

// mayHave reports whether one of the principals could be one of the crowd, as people read
// them. Two patterns always could, and what a ! excludes is ignored.
func (c *crowd) mayHave(principals []reading) bool {
	return slices.ContainsFunc(principals, func(r reading) bool {
		switch {
		case r.excluded:
			return false
		case r.pattern:
			return len(c.patterns) > 0 || slices.ContainsFunc(c.names, r.matches)
		}
		return c.folded[r.folded] || c.latin[r.latin] ||
			slices.ContainsFunc(c.patterns, func(p reading) bool { return p.matches(r) })
	})
}

// Persons returns the least number of different persons that the file names, no matter
// when their keys are valid.
func (s *Set) Persons() int {
	all := make([]Signer, 0, len(s.entries))
	for _, e := range s.entries {
		all = append(all, Signer{principals: e.Principals, readings: e.readings})
	}
	return Persons(all)
}

// Shortage is a time from which on fewer persons than needed may sign.
type Shortage struct {
	At     time.Time
	Have   int
	Ending []Entry // that are no longer valid then, and were at the beginning
}

// Short returns the first time from which on fewer persons than needed may sign, if there is
// one from the one time to the other.
func (s *Set) Short(need int, from, until time.Time) (Shortage, bool) {
	times := []time.Time{from}
	for _, e := range s.entries {
		if gone := e.ValidBefore.Add(time.Second); !e.ValidBefore.IsZero() && gone.After(from) && !gone.After(until) {
			times = append(times, gone)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	for _, at := range slices.CompactFunc(times, time.Time.Equal) {
		have := s.personsAt(at, need)
		if have >= need {
			continue
		}
		out := Shortage{At: at, Have: have}
		for _, e := range s.entries {
			if e.Applies(Namespace, from) == nil && e.Applies(Namespace, at) != nil {
				out.Ending = append(out.Ending, e)
			}
		}
		return out, true
	}
	return Shortage{}, false
}

// personsAt returns how many persons may sign commands at a time, and at most so many.
func (s *Set) personsAt(at time.Time, most int) int {
	var all []Signer
	for _, e := range s.entries {
		if signer, err := s.Find(e.Key, Namespace, at); err == nil {
			all = append(all, signer)
		}
	}
	return personsUpTo(all, most)
}

// narrowFirst sorts signers by their number of principals, stably. A key that two persons
// share would otherwise be picked first and exclude the own keys of both.
func narrowFirst(all []Signer) []Signer {
	out := make([]Signer, 0, len(all))
	for size := 1; len(out) < len(all); size++ {
		for _, s := range all {
			if max(1, len(s.principals)) == size {
				out = append(out, s)
			}
		}
	}
	return out
}
