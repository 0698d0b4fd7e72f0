package scrub

import (
	"fmt"
	"slices"
	"strings"
)

// Looks is how often holders are asked before counts that differ are believed: messages come and
// go, at each holder at its own time.
const Looks = 4

// View is what a holder says of its own replica.
type View struct {
	Holder   uint64
	Last     uint64 // number of its last message
	Messages uint64
	First    uint64
	Lost     bool // its engine says that it has lost messages
	Read     bool // it has read its files, and what follows is what it found
	Copy
}

// gone returns how many of the messages up to the last are not there any more.
func (v View) gone() int64 { return int64(v.Last) - int64(v.Messages) }

// plain reports whether nothing was taken out between the first and the last message.
func (v View) plain() bool { return v.Messages > 0 && v.Last-v.First+1 == v.Messages }

// Finding is a replica that is not what it should be.
type Finding struct {
	Holder uint64
	Why    string
}

// Verdict is what came of a comparison. The zero value says that all is well.
type Verdict struct {
	Bad []Finding // ascending; never all holders
	// Unknown says why it is not known which replica is right although they differ, or that none
	// is.
	Unknown string
}

// Suspicious reports whether what holders say at one time gives reason to look more closely.
// Before is what they said a while ago.
func Suspicious(views, before []View) bool {
	for i, v := range views {
		if len(v.Faults) > 0 {
			return true
		}
		for _, w := range views[:i] {
			if v.gone() != w.gone() || contents(v, w) != "" {
				return true
			}
		}
		for _, was := range before {
			if was.Holder == v.Holder && was.Last == v.Last && slices.ContainsFunc(before, func(w View) bool { return w.Last > v.Last }) {
				return true // it gets nothing of what there was then already
			}
		}
	}
	return false
}

// Judge says who is wrong. Each look has what the holders of a stream said at one time; only who
// answered every time is judged. Holders is how many there are: more than half of them have to
// agree, unless a replica shows by itself that it is wrong.
func Judge(holders int, looks [][]View) Verdict {
	series := map[uint64][]View{}
	for _, look := range looks {
		for _, v := range look {
			series[v.Holder] = append(series[v.Holder], v)
		}
	}
	var ids []uint64
	for id, views := range series {
		if len(views) == len(looks) && len(looks) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	bad := map[uint64]string{}
	var rest []uint64
	for _, id := range ids {
		if v := series[id][len(looks)-1]; v.Read && len(v.Faults) > 0 {
			bad[id] = strings.Join(v.Faults, "; ")
		} else {
			rest = append(rest, id)
		}
	}
	var unknown string
	if why, differ := disagree(series, rest); differ {
		if most := majority(series, rest, holders); most != nil {
			for _, id := range rest {
				if !slices.Contains(most, id) {
					bad[id] = difference(series[id], series[most[0]])
				}
			}
		} else if lost := slices.DeleteFunc(slices.Clone(rest), func(id uint64) bool { return !series[id][len(looks)-1].Lost }); len(lost) > 0 && len(lost) < len(rest) {
			for _, id := range lost {
				bad[id] = "its engine says that it has lost messages: " + why
			}
		} else {
			unknown = fmt.Sprintf("%s, and no majority says which of them is right", why)
		}
	}
	verdict := Verdict{Unknown: unknown}
	for _, id := range ids {
		if why, is := bad[id]; is {
			verdict.Bad = append(verdict.Bad, Finding{id, why})
		}
	}
	if len(verdict.Bad) > 0 && len(verdict.Bad) == len(ids) {
		return Verdict{Unknown: "no replica is whole: " + verdict.Bad[0].Why}
	}
	return verdict
}

// disagree returns how the first two holders differ that do.
func disagree(series map[uint64][]View, ids []uint64) (why string, differ bool) {
	for i, a := range ids {
		for _, b := range ids[:i] {
			if d := difference(series[a], series[b]); d != "" {
				return d, true
			}
		}
	}
	return "", false
}

// majority returns holders that agree with each other, and are more than half of all; nil if
// there are none.
func majority(series map[uint64][]View, ids []uint64, holders int) []uint64 {
	for _, id := range ids {
		group := []uint64{id}
		for _, other := range ids {
			if other != id && !slices.ContainsFunc(group, func(g uint64) bool { return difference(series[other], series[g]) != "" }) {
				group = append(group, other)
			}
		}
		if 2*len(group) > holders {
			return group
		}
	}
	return nil
}

// difference returns in what a replica differs from another one, or "".
func difference(v, w []View) string {
	if d := counts(v, w); d != "" {
		return d
	}
	if end, others, stuck := stuck(w, v); stuck {
		return fmt.Sprintf("it goes on to message %d, and others end with %d", others, end)
	}
	return contents(v[len(v)-1], w[len(w)-1])
}

// counts compares how many messages there are. Messages that come and go make the difference
// change; what was lost is missing every time.
func counts(v, w []View) string {
	if len(v) < Looks {
		return ""
	}
	if end, others, stuck := stuck(v, w); stuck {
		return fmt.Sprintf("it ends with message %d, and others go on to %d", end, others)
	}
	least, most := int64(0), int64(0)
	for i := range v {
		d := v[i].gone() - w[i].gone()
		if i == 0 {
			least, most = d, d
		}
		least, most = min(least, d), max(most, d)
	}
	smaller := min(abs(least), abs(most))
	switch {
	case least > 0 && most-least <= smaller/2:
		return fmt.Sprintf("it lacks %d messages that others have", least)
	case most < 0 && most-least <= smaller/2:
		return fmt.Sprintf("it has %d messages that others have not", -most)
	}
	return ""
}

// stuck reports whether a replica gets nothing of what another one has.
func stuck(v, w []View) (end, others uint64, stuck bool) {
	for i := range v {
		if len(v) < Looks || v[i].Last != v[0].Last || v[i].Last >= w[0].Last {
			return 0, 0, false
		}
	}
	return v[0].Last, w[len(w)-1].Last, true
}

func abs(n int64) int64 { return max(n, -n) }

// contents compares what the files have, where both have all messages of a window.
func contents(v, w View) string {
	if !v.Read || !w.Read {
		return ""
	}
	var windows []uint64
	for at, a := range v.Sums {
		b, both := w.Sums[at]
		whole := a.Messages == Window || at == 0 && a.Messages == Window-1
		if both && a.Messages == b.Messages && a.Sum != b.Sum && (whole || v.plain() && w.plain()) {
			windows = append(windows, at)
		}
	}
	if windows == nil {
		return ""
	}
	at := slices.Min(windows)
	return fmt.Sprintf("messages %d to %d are not what others have", max(1, at*Window), (at+1)*Window-1)
}
