package meshlog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// oldestMost bounds how many nodes are named that run the oldest version.
const oldestMost = 8

// version is what a member runs, as it says.
type version struct {
	name string
	log  uint32 // the newest version of entries that it knows
}

// compare puts the older version first.
func (v version) compare(of version) int {
	return cmp.Or(cmp.Compare(v.log, of.log), compareVersions(v.name, of.name))
}

// allKnow returns why an order of a kind is not given now: there is a member that would stop
// folding the log at it. Of members that were never heard nothing is known: they stop there, say
// so, and go on with a newer version. The caller holds mu.
func (l *Log) allKnow(kind string, needs uint32) *rules.Rejection {
	var lacks []string
	for _, id := range slices.Sorted(maps.Keys(l.said)) {
		m, member := l.state.Member(id)
		if runs := l.said[id].runs; member && runs.log > 0 && runs.log < needs {
			lacks = append(lacks, fmt.Sprintf("node %d (%s, meshos %s)", id, m.Name, cmp.Or(runs.name, "of an unknown version")))
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	more := ""
	if n := len(lacks) - oldestMost; n > 0 {
		lacks, more = lacks[:oldestMost], fmt.Sprintf(" and %d more", n)
	}
	return rules.Reject(KindOld, "%s is ordered once all members know it, and their version does not: %s%s; upgrade these first, or expel who is gone for good",
		kind, strings.Join(lacks, ", "), more)
}

// viewCheckpoint adds the last checkpoint, and where the next one may be. The caller holds mu.
func (l *Log) viewCheckpoint(out *meshosv1.MeshView) {
	at, _ := l.state.Checkpoint()
	out.Checkpoint = at.ToProto()
	if marks := l.state.Marks(); len(marks) > 0 {
		out.Mark = marks[len(marks)-1].ToProto()
	}
}

// viewVersions adds the oldest version that a member runs. The caller holds mu.
func (l *Log) viewVersions(out *meshosv1.MeshView) {
	oldest, who := version{l.opts.Version, cluster.LogVersion}, []mesh.NodeID{l.opts.Node}
	for _, id := range slices.Sorted(maps.Keys(l.said)) {
		runs := l.said[id].runs
		if _, member := l.state.Member(id); !member || runs.log == 0 {
			continue
		}
		switch c := runs.compare(oldest); {
		case c < 0:
			oldest, who = runs, []mesh.NodeID{id}
		case c == 0:
			who = append(who, id)
		}
	}
	slices.Sort(who)
	out.OldestVersion = oldest.name
	for _, id := range who[:min(len(who), oldestMost)] {
		out.Oldest = append(out.Oldest, uint64(id))
	}
}

// compareVersions compares names of versions, such as 0.9.1 and 0.10: numbers as numbers.
func compareVersions(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(strings.TrimPrefix(s, "v"), func(r rune) bool { return r == '.' || r == '-' || r == '+' })
	}
	return slices.CompareFunc(split(a), split(b), func(x, y string) int {
		n, notX := strconv.ParseUint(x, 10, 32)
		m, notY := strconv.ParseUint(y, 10, 32)
		if notX != nil || notY != nil {
			return strings.Compare(x, y)
		}
		return cmp.Compare(n, m)
	})
}
