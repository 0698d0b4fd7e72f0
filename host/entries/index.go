package entries

import "hash/maphash"

// index is a hash table of places with linear probing. Its fields are places plus one, 0 for
// none; the keys are in the entries.
type index struct {
	seed   maphash.Seed // so that nobody can choose ids that collide
	hashAt func(Place) uint64
	fields []uint32 // a power of two
	len    int
}

const fewFields = 16

func newIndex() index { return index{seed: maphash.MakeSeed(), fields: make([]uint32, fewFields)} }

func (x *index) hash(key uint64) uint64 { return maphash.Comparable(x.seed, key) }

func (x *index) first(hash uint64) int  { return int(hash & uint64(len(x.fields)-1)) }
func (x *index) next(field int) int     { return (field + 1) & (len(x.fields) - 1) }
func (x *index) set(field int, p Place) { x.fields[field] = uint32(p) + 1; x.len++ }

func (x *index) get(field int) (p Place, used bool) {
	f := x.fields[field]
	return Place(f - 1), f != 0
}

// grow makes room for one more place: seven eighths of the fields are used at most.
func (x *index) grow() {
	if 8*(x.len+1) <= 7*len(x.fields) {
		return
	}
	old := x.fields
	x.fields = make([]uint32, 2*len(old))
	for _, f := range old {
		if f == 0 {
			continue
		}
		field := x.first(x.hashAt(Place(f - 1)))
		for x.fields[field] != 0 {
			field = x.next(field)
		}
		x.fields[field] = f
	}
}

// remove empties a field. Those behind it move up if they would not be found otherwise.
func (x *index) remove(hole int) {
	x.len--
	x.fields[hole] = 0
	for field := x.next(hole); x.fields[field] != 0; field = x.next(field) {
		first := x.first(x.hashAt(Place(x.fields[field] - 1)))
		// How far it is from where its search begins, and how far the hole is.
		mask := len(x.fields) - 1
		if (field-first)&mask >= (field-hole)&mask {
			x.fields[hole], x.fields[field] = x.fields[field], 0
			hole = field
		}
	}
}
