package executor

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// item is the place at which the one waiting action of a key waits. A newer action
// of the key takes the place over.
type item struct {
	action mesh.Emitted
	lane   lane
	heard  mesh.Time // when the core last heard of it
	tries  int       // how often it was put off, at the cost of its budget
	again  bool      // it was put off, for whatever reason

	where place
	due   mesh.Time // putOff: when it is tried again
}

// place is where an item waits.
type place uint8

const (
	inHand  place = iota // it does not wait
	inLane               // for its turn
	putOff               // for a time
	forSlot              // for the pull slot
)

// lanes are the actions that wait for their turn, in order of arrival in each
// lane. A lane that is busy gives out nothing; the others take turns.
type lanes struct {
	of   map[lane]*queue
	next []lane // that have something and are not busy
	size int
}

type queue struct {
	items []*item
	busy  bool
}

func newLanes() lanes { return lanes{of: make(map[lane]*queue)} }

// push puts an item behind all others of its lane.
func (l *lanes) push(it *item) {
	it.where = inLane
	q := l.of[it.lane]
	if q == nil {
		q = &queue{}
		l.of[it.lane] = q
	}
	q.items = append(q.items, it)
	l.size++
	if len(q.items) == 1 && !q.busy {
		l.next = append(l.next, it.lane)
	}
}

// remove takes out an item that waits in its lane.
func (l *lanes) remove(it *item) {
	q := l.of[it.lane]
	i := slices.Index(q.items, it)
	q.items = slices.Delete(q.items, i, i+1)
	l.size--
	it.where = inHand
	if len(q.items) > 0 || q.busy {
		return
	}
	delete(l.of, it.lane)
	if i := slices.Index(l.next, it.lane); i >= 0 {
		l.next = slices.Delete(l.next, i, i+1)
	}
}

// take gives the item whose turn it is, or nil, and keeps its lane busy.
func (l *lanes) take() *item {
	if len(l.next) == 0 {
		return nil
	}
	q := l.of[l.next[0]]
	l.next = l.next[1:]
	it := q.items[0]
	q.items[0] = nil
	q.items = q.items[1:]
	q.busy = true
	l.size--
	it.where = inHand
	return it
}

// busy says whether something of the lane is in hand.
func (l *lanes) busy(on lane) bool {
	q := l.of[on]
	return q != nil && q.busy
}

// occupy keeps a lane busy that is not, for an item that did not wait in it.
func (l *lanes) occupy(on lane) {
	q := l.of[on]
	if q == nil {
		l.of[on] = &queue{busy: true}
		return
	}
	q.busy = true
	if i := slices.Index(l.next, on); i >= 0 {
		l.next = slices.Delete(l.next, i, i+1)
	}
}

// free ends what kept a lane busy.
func (l *lanes) free(on lane) {
	q := l.of[on]
	q.busy = false
	if len(q.items) == 0 {
		delete(l.of, on)
		return
	}
	l.next = append(l.next, on)
}
