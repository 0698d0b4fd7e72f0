package state

import (
	"iter"

	"github.com/meshos/meshos/host/entries"
	"github.com/meshos/meshos/host/marks"
)

// table holds entries that can be walked in ascending order of their keys, and notes for its
// readers which of them were touched. An entry is written to only after ensure, edit or touch.
type table[K ~uint64, V any, P marked[V]] struct {
	entries  *entries.Table[K, V]
	marks    marks.Lists[K]
	touches  uint64 // how often an entry was touched
	quiet    []K    // of the slice: what the tick would not look at otherwise, as far as marks tell
	sliced   bool   // slicedTo is meaningful
	slicedTo K      // the last key of the slice before
}

// marked is a pointer to an entry that embeds a marks.Set.
type marked[V any] interface {
	*V
	Marks() *marks.Set
}

func newTable[K ~uint64, V any, P marked[V]]() table[K, V, P] {
	return table[K, V, P]{entries: entries.New[K, V]()}
}

// len returns how many entries there are.
func (t *table[K, V, P]) len() int { return t.entries.Len() }

// get returns the entry of k, or nil. It is for reading.
func (t *table[K, V, P]) get(k K) *V { return t.entries.Get(k) }

// edit returns the entry of k, which it touches, or nil.
func (t *table[K, V, P]) edit(k K) *V {
	v := t.entries.Get(k)
	if v != nil {
		t.touch(k, v)
	}
	return v
}

// ensure returns the entry of k, which it touches. It creates an empty one if there is none.
func (t *table[K, V, P]) ensure(k K) *V {
	v := t.entries.Ensure(k)
	t.touch(k, v)
	return v
}

// touch notes that the entry of k is written to, or has to be looked at again.
func (t *table[K, V, P]) touch(k K, v *V) {
	t.touches++
	t.marks.Touch(k, P(v).Marks(), t.len())
}

// remove removes the entry of k, which is a touch too.
func (t *table[K, V, P]) remove(k K) {
	if t.edit(k) != nil {
		t.entries.Remove(k)
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
			if v := t.get(k); v != nil && !yield(k, v) {
				return
			}
		}
	}
}

// all yields the entries in ascending order of their keys. During the walk the present
// entry may be removed, but no other one, and none may be added.
func (t *table[K, V, P]) all() iter.Seq2[K, *V] { return t.entries.All() }
