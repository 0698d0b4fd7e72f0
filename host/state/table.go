package state

import (
	"cmp"
	"iter"

	"github.com/meshos/meshos/host/marks"
)

// chunk is how many entries are allocated at once. Entries that are added one after the
// other are then adjacent in memory, which avoids most cache misses of a fold or a walk.
const chunk = 256

// table is a map whose entries can be walked in ascending order of their keys, so that no
// decision and no output depends on the order of a Go map, and which notes for its readers
// which entries were touched. An entry is written to only after ensure, edit or touch.
type table[K cmp.Ordered, V any, P marked[V]] struct {
	entries  map[K]*V
	order    pages[K, V]
	marks    marks.Lists[K]
	touches  uint64 // how often an entry was touched
	quiet    []K    // of the slice: what the tick would not look at otherwise, as far as marks tell
	sliced   bool   // slicedTo is meaningful
	slicedTo K      // the last key of the slice before
	room     []V    // the unused entries of the newest chunk
	free     []*V   // the entries of removed keys, to be used again
}

// marked is a pointer to an entry that embeds a marks.Set.
type marked[V any] interface {
	*V
	Marks() *marks.Set
}

func newTable[K cmp.Ordered, V any, P marked[V]]() table[K, V, P] {
	return table[K, V, P]{entries: make(map[K]*V)}
}

// get returns the entry of k, or nil. It is for reading.
func (t *table[K, V, P]) get(k K) *V { return t.entries[k] }

// edit returns the entry of k, which it touches, or nil.
func (t *table[K, V, P]) edit(k K) *V {
	v := t.entries[k]
	if v != nil {
		t.touch(k, v)
	}
	return v
}

// ensure returns the entry of k, which it touches. It creates an empty one if there is none.
func (t *table[K, V, P]) ensure(k K) *V {
	v := t.entries[k]
	if v == nil {
		v = t.make()
		t.entries[k] = v
		t.order.insert(k, v)
	}
	t.touch(k, v)
	return v
}

// touch notes that the entry of k is written to, or has to be looked at again.
func (t *table[K, V, P]) touch(k K, v *V) {
	t.touches++
	t.marks.Touch(k, P(v).Marks(), len(t.entries))
}

func (t *table[K, V, P]) make() *V {
	if n := len(t.free); n > 0 {
		v := t.free[n-1]
		t.free = t.free[:n-1]
		return v
	}
	if len(t.room) == 0 {
		t.room = make([]V, chunk)
	}
	v := &t.room[0]
	t.room = t.room[1:]
	return v
}

// remove removes the entry of k, which is a touch too.
func (t *table[K, V, P]) remove(k K) {
	if v, ok := t.entries[k]; ok {
		t.touch(k, v)
		delete(t.entries, k)
		t.order.remove(k)
		var empty V
		*v = empty
		t.free = append(t.free, v)
	}
}

// clear removes all entries.
func (t *table[K, V, P]) clear() {
	for k := range t.all() {
		t.remove(k)
	}
}

// touched yields the entries that were touched since the tick before, ascending, like all.
// What is touched from now on is for the next tick.
func (t *table[K, V, P]) touched() iter.Seq2[K, *V] {
	m := t.marks.Of(marks.Tick)
	t.marks.Taken(marks.Tick)
	return t.only(m)
}

// only yields the entries that a reader has to look at.
func (t *table[K, V, P]) only(m marks.Touched[K]) iter.Seq2[K, *V] {
	if m.All {
		return t.all()
	}
	return func(yield func(K, *V) bool) {
		for _, k := range m.IDs {
			if v := t.entries[k]; v != nil && !yield(k, v) {
				return
			}
		}
	}
}

// all yields the entries in ascending order of their keys. During the walk the present
// entry may be removed, but no other one, and none may be added.
func (t *table[K, V, P]) all() iter.Seq2[K, *V] { return t.order.all() }
