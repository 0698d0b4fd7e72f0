package marks

import (
	"cmp"
	"slices"

	"github.com/meshos/meshos/host/scratch"
)

// Reader is one of those who follow the tables.
type Reader uint8

// The readers.
const (
	Tick      Reader = iota // what ends when its time is over, and what is derived from entries
	Reconcile               // the decisions
	Snapshot                // what readers of the node see
	readers
)

// Set is for which readers an entry is listed. Entries embed it.
type Set uint8

// Marks returns the set, so that a table can find the one that an entry embeds.
func (s *Set) Marks() *Set { return s }

// Has reports whether the entry is listed for a reader.
func (s Set) Has(r Reader) bool { return s&(1<<r) != 0 }

// Touched is what a reader has to look at.
type Touched[K cmp.Ordered] struct {
	// All means that everything may have changed. Then IDs is empty.
	All bool
	// IDs are ascending, each once. Some may be gone: removal is a touch too. They are valid
	// until the reader takes them.
	IDs []K
}

// Lists are the touched keys of one table, for each reader. The zero value lists nothing,
// since every reader has everything before it.
type Lists[K cmp.Ordered] struct {
	following Set // the readers that have taken something, and whose list is not too long
	lists     [readers][]listed[K]
	ids       [readers][]K
	gauges    [readers]scratch.Gauge // of both
}

// listed is a key with the set of its entry.
type listed[K cmp.Ordered] struct {
	key K
	set *Set
}

// Touch notes for every reader that an entry was changed or removed, or is to be looked at.
// size is how many entries the table has.
func (l *Lists[K]) Touch(k K, of *Set, size int) {
	missing := l.following &^ *of
	if missing == 0 {
		return
	}
	for r := range readers {
		if missing&(1<<r) != 0 {
			l.add(r, k, of, size)
		}
	}
}

// TouchFor is Touch for one reader.
func (l *Lists[K]) TouchFor(r Reader, k K, of *Set, size int) {
	if l.following&^*of&(1<<r) != 0 {
		l.add(r, k, of, size)
	}
}

// Follows reports whether a reader has a list, and not everything before it.
func (l *Lists[K]) Follows(r Reader) bool { return l.following.Has(r) }

// few is how many keys are always worth a list.
const few = 1024

func (l *Lists[K]) add(r Reader, k K, of *Set, size int) {
	if n := len(l.lists[r]); n >= few && n >= size/2 {
		l.TouchAllFor(r)
		return
	}
	*of |= 1 << r
	l.lists[r] = append(l.lists[r], listed[K]{k, of})
}

// TouchAll puts everything before every reader.
func (l *Lists[K]) TouchAll() {
	for r := range readers {
		l.TouchAllFor(r)
	}
}

// TouchAllFor is TouchAll for one reader.
func (l *Lists[K]) TouchAllFor(r Reader) {
	l.empty(r)
	l.following &^= 1 << r
}

// Of returns what a reader has to look at. Touches since the last call are added.
func (l *Lists[K]) Of(r Reader) Touched[K] {
	if l.following&(1<<r) == 0 {
		return Touched[K]{All: true}
	}
	ids := l.ids[r][:0]
	for _, e := range l.lists[r] {
		ids = append(ids, e.key)
	}
	slices.Sort(ids)
	l.ids[r] = slices.Compact(ids) // a key that was removed and came back is listed twice
	return Touched[K]{IDs: l.ids[r]}
}

// Len returns how many keys a reader's list has, some perhaps twice. It is 0 if everything is
// before the reader.
func (l *Lists[K]) Len(r Reader) int { return len(l.lists[r]) }

// At returns the key at a place of a reader's list, in the order in which they were touched.
func (l *Lists[K]) At(r Reader, i int) K { return l.lists[r][i].key }

// Taken empties a reader's list: it has dealt with everything that was touched up to now.
func (l *Lists[K]) Taken(r Reader) {
	l.ids[r] = scratch.Again(&l.gauges[r], l.ids[r])
	l.empty(r)
	l.following |= 1 << r
}

func (l *Lists[K]) empty(r Reader) {
	for _, e := range l.lists[r] {
		*e.set &^= 1 << r
	}
	l.lists[r] = scratch.Again(&l.gauges[r], l.lists[r])
}
