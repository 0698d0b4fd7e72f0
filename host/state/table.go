package state

import (
	"cmp"
	"iter"
	"slices"
)

// chunk is how many entries are allocated at once. Entries that are added one after the
// other are then adjacent in memory, which avoids most cache misses of a fold or a walk.
const chunk = 256

// table is a map whose entries can be walked in ascending order of their keys, so that no
// decision and no output depends on the order of a Go map. The keys are sorted again only
// after some were added or removed.
type table[K cmp.Ordered, V any] struct {
	entries map[K]*V
	order   []entry[K, V]
	stale   bool
	room    []V  // the unused entries of the newest chunk
	free    []*V // the entries of removed keys, to be used again
}

type entry[K cmp.Ordered, V any] struct {
	key   K
	value *V
}

func newTable[K cmp.Ordered, V any]() table[K, V] {
	return table[K, V]{entries: make(map[K]*V)}
}

// get returns the entry of k, or nil.
func (t *table[K, V]) get(k K) *V { return t.entries[k] }

// ensure returns the entry of k. It creates an empty one if there is none.
func (t *table[K, V]) ensure(k K) *V {
	if v := t.entries[k]; v != nil {
		return v
	}
	v := t.make()
	t.entries[k] = v
	t.stale = true
	return v
}

func (t *table[K, V]) make() *V {
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

func (t *table[K, V]) remove(k K) {
	if v, ok := t.entries[k]; ok {
		delete(t.entries, k)
		t.stale = true
		var empty V
		*v = empty
		t.free = append(t.free, v)
	}
}

// all yields the entries in ascending order of their keys. During the walk the present
// entry may be removed, but no other one, and none may be added.
func (t *table[K, V]) all() iter.Seq2[K, *V] {
	if t.stale {
		t.order = t.order[:0]
		for k, v := range t.entries {
			t.order = append(t.order, entry[K, V]{k, v})
		}
		slices.SortFunc(t.order, func(a, b entry[K, V]) int { return cmp.Compare(a.key, b.key) })
		t.stale = false
	}
	order := t.order
	return func(yield func(K, *V) bool) {
		for _, e := range order {
			if !yield(e.key, e.value) {
				return
			}
		}
	}
}
