package shared

import "cmp"

// Finder finds entries of a table, quickly if the keys come about in their order.
type Finder[K cmp.Ordered, V any] struct {
	in Table[K, V]
	at cursor[K, V] // of what was found last
}

// Finder returns a finder of the table.
func (t Table[K, V]) Finder() *Finder[K, V] { return &Finder[K, V]{in: t} }

// Get returns the value of a key, which must not be written to; nil if there is none.
func (f *Finder[K, V]) Get(k K) *V {
	if f.at.end() || k < f.at.chunk().keys[0] || k > last(f.at.chunk().keys) {
		at, ok := f.in.seek(k)
		if !ok {
			return nil
		}
		f.at = at
	}
	c := f.at.chunk()
	if i, found := c.search(k); found {
		return &c.values[i]
	}
	return nil
}

func last[K any](keys []K) K { return keys[len(keys)-1] }
