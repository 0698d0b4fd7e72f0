package state

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// logRing keeps the last lines of the node's log, size at most. Every source has a share:
// where there is no room for one more line, the oldest of the source that has most of them
// goes, so a flood of lines pushes out nobody's but its own. Like a ring's, the result of
// view does not change when more is pushed.
type logRing struct {
	size, held int
	seq        uint64 // of the newest record; 0 before the first
	sources    map[lineSource]*sourceLines
	byLength   longestFirst
	// shown is what view returns: the lines of all sources by their numbers. stale means that a
	// line in its middle was dropped, and that it is made anew when it is asked for.
	shown []mesh.LogRecord
	stale bool
}

// lineSource is who says a line: the node, a daemon, or whoever brings it as an event.
type lineSource struct {
	name   string
	daemon mesh.DaemonID
}

func sourceOf(l mesh.LogRecord) lineSource {
	if l.Source != "" {
		return lineSource{name: l.Source} // whichever daemon it says the line is of
	}
	return lineSource{daemon: l.Daemon}
}

// sourceLines are the lines of one source, oldest first.
type sourceLines struct {
	source lineSource
	lines  []mesh.LogRecord
	at     int // in the heap
}

func newLogRing(size int) logRing {
	return logRing{size: size, sources: make(map[lineSource]*sourceLines)}
}

// next returns the number of the record that is to be pushed.
func (r *logRing) next() uint64 {
	r.seq++
	return r.seq
}

func (r *logRing) push(l mesh.LogRecord) {
	r.show(l)
	source := sourceOf(l)
	of := r.sources[source]
	if of == nil {
		of = &sourceLines{source: source}
		r.sources[source] = of
		heap.Push(&r.byLength, of)
	}
	of.lines = append(of.lines, l)
	heap.Fix(&r.byLength, of.at)
	if r.held++; r.held > r.size {
		r.drop(r.byLength[0])
	}
}

// drop drops the oldest line of a source.
func (r *logRing) drop(of *sourceLines) {
	r.held--
	if len(r.shown) > 0 && r.shown[0].Seq == of.lines[0].Seq {
		r.shown = r.shown[1:]
	} else {
		r.shown, r.stale = nil, true
	}
	of.lines[0] = mesh.LogRecord{} // the text need not wait for the array
	of.lines = of.lines[1:]
	if len(of.lines) == 0 {
		heap.Remove(&r.byLength, of.at)
		delete(r.sources, of.source)
		return
	}
	heap.Fix(&r.byLength, of.at)
}

// show appends a line to what is shown. A full buffer is left to its readers.
func (r *logRing) show(l mesh.LogRecord) {
	if r.stale {
		return
	}
	if len(r.shown) == cap(r.shown) {
		fresh := make([]mesh.LogRecord, len(r.shown), max(16, 2*len(r.shown)))
		copy(fresh, r.shown)
		r.shown = fresh
	}
	r.shown = append(r.shown, l)
}

// view returns the records, oldest first. They must not be written to.
func (r *logRing) view() []mesh.LogRecord {
	if r.stale {
		r.stale = false
		r.shown = make([]mesh.LogRecord, 0, r.held+r.held/2)
		for _, of := range r.byLength {
			r.shown = append(r.shown, of.lines...)
		}
		slices.SortFunc(r.shown, func(a, b mesh.LogRecord) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return r.shown[:len(r.shown):len(r.shown)]
}

// longestFirst is a heap of sources: first the one with most lines and, of those with as
// many, the one whose oldest line is the oldest.
type longestFirst []*sourceLines

// Len implements heap.Interface, as the others do.
func (h longestFirst) Len() int { return len(h) }

// Less reports whether a source loses a line before another.
func (h longestFirst) Less(i, j int) bool {
	a, b := h[i].lines, h[j].lines
	if len(a) != len(b) || len(a) == 0 {
		return len(a) > len(b)
	}
	return a[0].Seq < b[0].Seq
}

// Swap swaps two sources.
func (h longestFirst) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push adds a source.
func (h *longestFirst) Push(x any) {
	of := x.(*sourceLines)
	of.at = len(*h)
	*h = append(*h, of)
}

// Pop removes the last source.
func (h *longestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
