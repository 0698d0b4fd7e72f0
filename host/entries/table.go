package entries

import "iter"

// chunk is how many entries are allocated at once. Entries that are added one after the
// other are then adjacent in memory, which avoids most cache misses of a fold or a walk.
const chunk = 256

// Place is where an entry is: in which chunk, and where in that. It is half as large as an id.
type Place uint32

// Table holds entries of type V by ids of type K. Make it with New.
type Table[K ~uint64, V any] struct {
	chunks [][]slot[K, V]
	free   []Place // of removed entries, to be used again
	index  index
	order  order
}

// slot is what a place holds.
type slot[K ~uint64, V any] struct {
	key   K
	value V
}

// New returns an empty table.
func New[K ~uint64, V any]() *Table[K, V] {
	t := &Table[K, V]{index: newIndex()}
	t.order.keyAt = func(p Place) uint64 { return uint64(t.at(p).key) }
	t.index.hashAt = func(p Place) uint64 { return t.index.hash(uint64(t.at(p).key)) }
	return t
}

// Len returns how many entries there are.
func (t *Table[K, V]) Len() int { return t.index.len }

// Get returns the entry of an id, or nil.
func (t *Table[K, V]) Get(k K) *V {
	if p, _, found := t.find(k); found {
		return &t.at(p).value
	}
	return nil
}

// Ensure returns the entry of an id. It makes an empty one if there is none.
func (t *Table[K, V]) Ensure(k K) *V {
	p, _, found := t.find(k)
	if !found {
		p = t.make(k)
		t.index.grow()
		_, field, _ := t.find(k)
		t.index.set(field, p)
		t.order.insert(p)
	}
	return &t.at(p).value
}

// Remove removes the entry of an id, and empties it.
func (t *Table[K, V]) Remove(k K) {
	p, field, found := t.find(k)
	if !found {
		return
	}
	t.order.remove(uint64(k))
	t.index.remove(field)
	*t.at(p) = slot[K, V]{}
	t.free = append(t.free, p)
}

// All yields the entries in ascending order of their ids. During the walk the present
// entry may be removed, but no other one, and none may be added.
func (t *Table[K, V]) All() iter.Seq2[K, *V] { return t.from(0, 0) }

// After yields the entries behind an id, like All.
func (t *Table[K, V]) After(k K) iter.Seq2[K, *V] {
	at, i, found := t.order.find(uint64(k))
	if found {
		i++
	}
	return t.from(at, i)
}

// Places returns how many places there are, with those that have no entry.
func (t *Table[K, V]) Places() int { return len(t.chunks) * chunk }

// Place returns the place of the entry of an id; ok is false if there is none. It stays until
// the entry is removed. Then it has no entry any more, or that of another id.
func (t *Table[K, V]) Place(k K) (p Place, ok bool) {
	p, _, ok = t.find(k)
	return p, ok
}

// At returns the id and the entry at a place that had one once. Of one that has none, the entry
// is empty, and the id is 0.
func (t *Table[K, V]) At(p Place) (K, *V) {
	s := t.at(p)
	return s.key, &s.value
}

// Part returns the id at which the k-th of n parts of about the same size begins; last is
// true behind the last one.
func (t *Table[K, V]) Part(k, n uint64) (begin K, last bool) {
	p, last := t.order.part(k, n)
	if last {
		return begin, true
	}
	return t.at(p).key, false
}

func (t *Table[K, V]) from(at, i int) iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		for at, i := t.order.skip(at, i); at < len(t.order.pages); {
			p := t.order.pages[at].places[i]
			s := t.at(p)
			k := s.key
			if !yield(k, &s.value) {
				return
			}
			at, i = t.order.next(at, i, p, uint64(k))
		}
	}
}

// find returns the place of an id, or where in the index it belongs.
func (t *Table[K, V]) find(k K) (p Place, field int, found bool) {
	for field = t.index.first(t.index.hash(uint64(k))); ; field = t.index.next(field) {
		p, used := t.index.get(field)
		if !used {
			return 0, field, false
		}
		if t.at(p).key == k {
			return p, field, true
		}
	}
}

func (t *Table[K, V]) at(p Place) *slot[K, V] { return &t.chunks[p/chunk][p%chunk] }

// make returns the place of a new entry.
func (t *Table[K, V]) make(k K) Place {
	var p Place
	if n := len(t.free); n > 0 {
		p, t.free = t.free[n-1], t.free[:n-1]
	} else {
		if p = Place(t.index.len); int(p/chunk) == len(t.chunks) { // no place was freed
			t.chunks = append(t.chunks, make([]slot[K, V], chunk))
		}
	}
	t.at(p).key = k
	return p
}
