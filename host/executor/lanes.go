package executor

import (
	"slices"

	"github.com/meshos/meshos/host/mesh"
)

// item holds the one waiting action of a key, and where it waits. A newer action of the
// key replaces the action in it.
type item struct {
	action   mesh.Emitted
	lane     lane
	reported mesh.Time // when the core last heard of the action
	tries    int       // how often it was deferred, as MaxDefers counts
	progress uint64    // of what it began, when it was deferred last
	waited   bool      // it was deferred or waited for the pull slot

	where place
	due   mesh.Time // deferred: when it is tried again
}

// place is where an item waits.
type place uint8

const (
	inHand   place = iota // it does not wait
	inLane                // in its lane, to be begun
	deferred              // in the delay queue, until it is due
	forSlot               // for the pull slot
)

// lanes hold the actions that may be begun, each lane in order of arrival. While a lane
// is busy, nothing is taken from it; the others take turns.
type lanes struct {
	waiting map[lane]*laneQueue
	next    []lane // that have items and are not busy, in turn
	size    int    // items in all lanes
}

type laneQueue struct {
	items []*item
	busy  bool
}

func newLanes() lanes { return lanes{waiting: make(map[lane]*laneQueue)} }

// push adds an item behind all others of its lane.
func (l *lanes) push(it *item) {
	it.where = inLane
	q := l.waiting[it.lane]
	if q == nil {
		q = &laneQueue{}
		l.waiting[it.lane] = q
	}
	q.items = append(q.items, it)
	l.size++
	if len(q.items) == 1 && !q.busy {
		l.next = append(l.next, it.lane)
	}
}

// remove removes an item that waits in its lane.
func (l *lanes) remove(it *item) {
	q := l.waiting[it.lane]
	i := slices.Index(q.items, it)
	q.items = slices.Delete(q.items, i, i+1)
	l.size--
	it.where = inHand
	if len(q.items) > 0 || q.busy {
		return
	}
	delete(l.waiting, it.lane)
	if i := slices.Index(l.next, it.lane); i >= 0 {
		l.next = slices.Delete(l.next, i, i+1)
	}
}

// take removes and returns the next item and marks its lane busy; nil if there is none.
func (l *lanes) take() *item {
	if len(l.next) == 0 {
		return nil
	}
	q := l.waiting[l.next[0]]
	l.next = l.next[1:]
	it := q.items[0]
	q.items[0] = nil
	q.items = q.items[1:]
	q.busy = true
	l.size--
	it.where = inHand
	return it
}

// busy reports whether a lane is marked busy.
func (l *lanes) busy(on lane) bool {
	q := l.waiting[on]
	return q != nil && q.busy
}

// occupy marks a lane busy that is not, for an item that did not wait in it.
func (l *lanes) occupy(on lane) {
	q := l.waiting[on]
	if q == nil {
		l.waiting[on] = &laneQueue{busy: true}
		return
	}
	q.busy = true
	if i := slices.Index(l.next, on); i >= 0 {
		l.next = slices.Delete(l.next, i, i+1)
	}
}

// free unmarks a busy lane.
func (l *lanes) free(on lane) {
	q := l.waiting[on]
	q.busy = false
	if len(q.items) == 0 {
		delete(l.waiting, on)
		return
	}
	l.next = append(l.next, on)
}
