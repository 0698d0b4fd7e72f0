package shared

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sort"
)

// Table is an immutable map in the order of its keys. The zero value is empty. It is small:
// pass it by value.
type Table[K cmp.Ordered, V any] struct{ root *root[K, V] }

// root is the spine of a table: its branches, each with its first key.
type root[K cmp.Ordered, V any] struct {
	branches []*branch[K, V]
	len      int
}

// branch is a run of chunks. It is never empty once it is published, nor is a chunk.
type branch[K cmp.Ordered, V any] struct {
	owner  *owner
	chunks []*chunk[K, V]
}

// chunk is a run of entries, ascending.
type chunk[K cmp.Ordered, V any] struct {
	owner  *owner
	keys   []K
	values []V
}

// owner is who may write to a chunk or a branch: the editor that made it, until it publishes.
type owner struct{ _ byte }

func (b *branch[K, V]) first() K { return b.chunks[0].keys[0] }

// Len returns how many entries there are.
func (t Table[K, V]) Len() int {
	if t.root == nil {
		return 0
	}
	return t.root.len
}

// Is reports whether two tables are one and the same. Tables that are not may be equal.
func (t Table[K, V]) Is(other Table[K, V]) bool { return t.root == other.root }

// String returns the entries for people who debug.
func (t Table[K, V]) String() string {
	out := "["
	for k, v := range t.All() {
		out += fmt.Sprintf(" %v:%+v", k, v)
	}
	return out + " ]"
}

// Get returns the value of a key.
func (t Table[K, V]) Get(k K) (v V, ok bool) {
	if p := t.find(k); p != nil {
		return *p, true
	}
	return v, false
}

func (t Table[K, V]) find(k K) *V {
	at, ok := t.seek(k)
	if !ok {
		return nil
	}
	if c := at.chunk(); c != nil && at.entry < len(c.keys) && c.keys[at.entry] == k {
		return &c.values[at.entry]
	}
	return nil
}

// All yields the entries in the order of their keys.
func (t Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.walk(cursor[K, V]{root: t.root}, yield) }
}

// Values yields the values in the order of their keys.
func (t Table[K, V]) Values() iter.Seq[V] {
	return func(yield func(V) bool) {
		t.walk(cursor[K, V]{root: t.root}, func(_ K, v V) bool { return yield(v) })
	}
}

// From yields the entries from a key on.
func (t Table[K, V]) From(k K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		if at, ok := t.seek(k); ok {
			t.walk(at, yield)
		}
	}
}

func (t Table[K, V]) walk(at cursor[K, V], yield func(K, V) bool) {
	for ; !at.end(); at.nextChunk() {
		c := at.chunk()
		for i := at.entry; i < len(c.keys); i++ {
			if !yield(c.keys[i], c.values[i]) {
				return
			}
		}
	}
}

// seek returns the place of the first entry that is not below k; ok is false if there is none.
func (t Table[K, V]) seek(k K) (at cursor[K, V], ok bool) {
	if t.Len() == 0 {
		return at, false
	}
	at = cursor[K, V]{root: t.root}
	at.branch, at.inBranch = t.root.place(k)
	c := at.chunk()
	at.entry, _ = c.search(k)
	if at.entry == len(c.keys) {
		at.nextChunk()
	}
	return at, !at.end()
}

// place returns the branch and the chunk that has or would have a key.
func (r *root[K, V]) place(k K) (b, c int) {
	b = max(0, sort.Search(len(r.branches), func(i int) bool { return r.branches[i].first() > k })-1)
	chunks := r.branches[b].chunks
	c = max(0, sort.Search(len(chunks), func(i int) bool { return chunks[i].keys[0] > k })-1)
	return b, c
}

func (c *chunk[K, V]) search(k K) (int, bool) {
	if n := len(c.keys); k > c.keys[n-1] {
		return n, false
	}
	return slices.BinarySearch(c.keys, k)
}

// cursor is a place in a table.
type cursor[K cmp.Ordered, V any] struct {
	root                    *root[K, V]
	branch, inBranch, entry int
}

func (at *cursor[K, V]) end() bool { return at.root == nil || at.branch >= len(at.root.branches) }

func (at *cursor[K, V]) chunk() *chunk[K, V] { return at.root.branches[at.branch].chunks[at.inBranch] }

func (at *cursor[K, V]) nextChunk() {
	at.entry = 0
	if at.inBranch++; at.inBranch == len(at.root.branches[at.branch].chunks) {
		at.branch, at.inBranch = at.branch+1, 0
	}
}

func (at *cursor[K, V]) next() {
	if at.entry++; at.entry == len(at.chunk().keys) {
		at.nextChunk()
	}
}
