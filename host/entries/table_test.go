package entries_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/host/entries"
)

// A table has what a map has, in the order of the ids, and its entries do not move.
func TestATableIsAMapInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, want := entries.New[uint64, int](), make(map[uint64]*int)
		most := rapid.SampledFrom([]uint64{3, 20, 3000, math.MaxUint64}).Draw(t, "most")
		values := 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := rapid.Uint64Range(0, most).Draw(t, "id")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				table.Remove(k)
				delete(want, k)
			case 1: // many that follow each other
				for id := k; id-k < 300 && id <= most && id >= k; id++ {
					want[id] = table.Ensure(id)
				}
			case 2: // many go
				for id := range table.All() {
					if id%3 == k%3 {
						table.Remove(id)
						delete(want, id)
					}
				}
			case 3:
				got, part := slices.Collect(keysOf(table, k)), slices.Sorted(maps.Keys(want))
				if part = slices.DeleteFunc(part, func(id uint64) bool { return id <= k }); !slices.Equal(got, part) {
					t.Fatalf("behind %d: %d, want %d", k, got, part)
				}
			default:
				v := table.Ensure(k)
				if was := want[k]; was != nil && was != v {
					t.Fatalf("the entry of %d has moved", k)
				} else if was == nil && *v != 0 {
					t.Fatalf("the new entry of %d is %d", k, *v)
				}
				values++
				*v, want[k] = values, v
			}
			if table.Len() != len(want) || table.Get(k) != want[k] {
				t.Fatalf("%d entries, want %d; %d: %p, want %p", table.Len(), len(want), k, table.Get(k), want[k])
			}
		}
		var ids []uint64
		for k, v := range table.All() {
			if ids = append(ids, k); want[k] != v {
				t.Fatalf("the entry of %d has moved", k)
			}
		}
		if sorted := slices.Sorted(maps.Keys(want)); !slices.Equal(ids, sorted) {
			t.Fatalf("ids %d, want %d", ids, sorted)
		}
	})
}

func keysOf(table *entries.Table[uint64, int], after uint64) func(yield func(uint64) bool) {
	return func(yield func(uint64) bool) {
		for k := range table.After(after) {
			if !yield(k) {
				return
			}
		}
	}
}

func TestPartsGoThroughEverything(t *testing.T) {
	table := entries.New[uint64, int]()
	for id := range uint64(10_000) {
		table.Ensure(id * 7)
	}
	var begins []uint64
	for k := range uint64(100) {
		begin, last := table.Part(k, 100)
		if last {
			t.Fatalf("part %d is behind the last", k)
		}
		begins = append(begins, begin)
	}
	if _, last := table.Part(100, 100); !last || begins[0] != 0 || !slices.IsSorted(begins) || begins[99] > 9_999*7 {
		t.Errorf("parts begin at %d", begins)
	}
}

func TestFindingAllocatesNothing(t *testing.T) {
	table := entries.New[uint64, int]()
	for id := range uint64(1000) {
		table.Ensure(id)
	}
	if n := testing.AllocsPerRun(100, func() { table.Ensure(7); table.Get(8); table.Get(1 << 40) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGet(b *testing.B) {
	table := entries.New[uint64, [14]uint64]()
	for id := range uint64(100_000) {
		table.Ensure(id)
	}
	k := uint64(0)
	for b.Loop() {
		k = (k + 7919) % 100_000
		table.Get(k)
	}
}
