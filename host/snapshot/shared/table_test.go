package shared_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/snapshot/shared"
)

func equal(a, b *int) bool { return *a == *b }

// A table is what a map is, in order; one that was published stays as it was; and the
// changes between any two lead from one to the other.
func TestATableIsASortedMapThatStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type version struct {
			table shared.Table[int, int]
			want  map[int]int
		}
		e := shared.NewEditor[int, int](rapid.IntRange(1, 8).Draw(t, "chunk"))
		now, versions := map[int]int{}, []version{{want: map[int]int{}}}
		keys := rapid.IntRange(0, rapid.SampledFrom([]int{3, 40, 3000}).Draw(t, "keys"))
		for range rapid.IntRange(1, 12).Draw(t, "versions") {
			for range rapid.IntRange(0, 4).Draw(t, "runs") {
				first, n := keys.Draw(t, "first"), rapid.IntRange(0, 200).Draw(t, "n")
				stride, remove := rapid.IntRange(-3, 3).Draw(t, "stride"), rapid.Bool().Draw(t, "remove")
				for i := range n {
					k := first + i*stride
					if remove {
						_, was := now[k]
						if e.Delete(k) != was {
							t.Fatalf("Delete(%d) must return %v", k, was)
						}
						delete(now, k)
					} else {
						v := rapid.IntRange(0, 2).Draw(t, "v")
						e.Put(k, v)
						now[k] = v
					}
				}
			}
			versions = append(versions, version{e.Publish(), maps.Clone(now)})
		}
		for _, v := range versions {
			check(t, v.table, v.want, keys.Draw(t, "from"))
		}
		a, b := rapid.SampledFrom(versions).Draw(t, "a"), rapid.SampledFrom(versions).Draw(t, "b")
		got, last := maps.Clone(a.want), -1<<62
		for k, c := range shared.Changes(a.table, b.table, equal) {
			if k <= last {
				t.Fatalf("key %d comes after %d", k, last)
			}
			last = k
			old, had := got[k]
			if had != (c.Old != nil) || had && old != *c.Old || c.New != nil && had && *c.New == old {
				t.Fatalf("key %d: change %v of %v (%v)", k, c, old, had)
			}
			if c.New == nil {
				delete(got, k)
			} else {
				got[k] = *c.New
			}
		}
		if !maps.Equal(got, b.want) {
			t.Fatalf("the changes lead to %v, want %v", got, b.want)
		}
	})
}

func check(t *rapid.T, table shared.Table[int, int], want map[int]int, from int) {
	if table.Len() != len(want) {
		t.Fatalf("Len is %d, want %d", table.Len(), len(want))
	}
	keys := slices.Sorted(maps.Keys(want))
	i := 0
	for k, v := range table.All() {
		if i >= len(keys) || k != keys[i] || v != want[k] {
			t.Fatalf("entry %d is %d: %d", i, k, v)
		}
		if got, ok := table.Get(k); !ok || got != v {
			t.Fatalf("Get(%d) is %d, %v", k, got, ok)
		}
		i++
	}
	if i != len(keys) {
		t.Fatalf("%d of %d entries", i, len(keys))
	}
	i, _ = slices.BinarySearch(keys, from)
	for k := range table.From(from) {
		if k != keys[i] {
			t.Fatalf("from %d: %d, want %d", from, k, keys[i])
		}
		i++
	}
	if i != len(keys) {
		t.Fatalf("from %d: ended at %d of %d", from, i, len(keys))
	}
	if _, known := want[from]; !known {
		if _, ok := table.Get(from); ok {
			t.Fatalf("Get(%d) of a table without it", from)
		}
	}
}

// Changes of one entry do not walk the table.
func TestChangesSkipWhatIsShared(t *testing.T) {
	e := shared.NewEditor[int, int](64)
	for k := range 100_000 {
		e.Put(k, k)
	}
	before := e.Publish()
	e.Put(50_000, 1)
	after, compared, changed := e.Publish(), 0, 0
	for range shared.Changes(before, after, func(a, b *int) bool { compared++; return *a == *b }) {
		changed++
	}
	if changed != 1 || compared > 64 {
		t.Errorf("%d changes after %d comparisons", changed, compared)
	}
	if same := e.Publish(); !same.Is(after) {
		t.Error("a table that was not edited is another one")
	}
}
