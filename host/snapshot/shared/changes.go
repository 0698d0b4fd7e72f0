package shared

import (
	"cmp"
	"iter"
)

// Change is how the entry of a key differs between two tables.
type Change[V any] struct {
	Old, New *V // nil where there is none; must not be written to
}

// Changes yields how a later table differs from an earlier one, in the order of the keys.
// Entries of which equal holds are left out. What both tables share is skipped unseen, so
// this takes as long as was changed in between.
func Changes[K cmp.Ordered, V any](earlier, later Table[K, V], equal func(a, b *V) bool) iter.Seq2[K, Change[V]] {
	return func(yield func(K, Change[V]) bool) {
		if earlier.Is(later) {
			return
		}
		a, b := cursor[K, V]{root: earlier.root}, cursor[K, V]{root: later.root}
		for !a.end() || !b.end() {
			if skipShared(&a, &b) {
				continue
			}
			k, c := step(&a, &b)
			if c.Old != nil && c.New != nil && (c.Old == c.New || equal(c.Old, c.New)) {
				continue
			}
			if !yield(k, c) {
				return
			}
		}
	}
}

// skipShared skips the branch or the chunk that both cursors are at the beginning of. It
// reports whether there was one.
func skipShared[K cmp.Ordered, V any](a, b *cursor[K, V]) bool {
	if a.end() || b.end() || a.entry != 0 || b.entry != 0 {
		return false
	}
	if a.inBranch == 0 && b.inBranch == 0 && a.root.branches[a.branch] == b.root.branches[b.branch] {
		a.branch, b.branch = a.branch+1, b.branch+1
		return true
	}
	if a.chunk() == b.chunk() {
		a.nextChunk()
		b.nextChunk()
		return true
	}
	return false
}

// step moves the cursors over the next key of either.
func step[K cmp.Ordered, V any](a, b *cursor[K, V]) (k K, c Change[V]) {
	order := 0
	switch {
	case a.end():
		order = 1
	case b.end():
		order = -1
	default:
		order = cmp.Compare(a.chunk().keys[a.entry], b.chunk().keys[b.entry])
	}
	if order <= 0 {
		k, c.Old = a.chunk().keys[a.entry], &a.chunk().values[a.entry]
		a.next()
	}
	if order >= 0 {
		k, c.New = b.chunk().keys[b.entry], &b.chunk().values[b.entry]
		b.next()
	}
	return k, c
}
