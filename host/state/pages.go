package state

import (
	"cmp"
	"iter"
	"slices"
)

// pageSize is how many entries a page has at most. Adding or removing one moves half a page.
const pageSize = 256

// pages are entries in ascending order of their keys, in pages, so that adding and removing
// one does not move all others. The zero value is empty.
type pages[K cmp.Ordered, V any] struct {
	list []*page[K, V] // none is empty
}

type page[K cmp.Ordered, V any] struct {
	entries []entry[K, V]
}

type entry[K cmp.Ordered, V any] struct {
	key   K
	value *V
}

// find returns the page in which k is or belongs, and its place there.
func (o *pages[K, V]) find(k K) (at, i int, found bool) {
	at, _ = slices.BinarySearchFunc(o.list, k, func(p *page[K, V], k K) int {
		return cmp.Compare(p.entries[len(p.entries)-1].key, k)
	})
	if at == len(o.list) {
		return at, 0, false
	}
	i, found = slices.BinarySearchFunc(o.list[at].entries, k, func(e entry[K, V], k K) int { return cmp.Compare(e.key, k) })
	return at, i, found
}

// insert adds an entry whose key is not there yet.
func (o *pages[K, V]) insert(k K, v *V) {
	at, i, _ := o.find(k)
	if at == len(o.list) { // behind all others
		if at > 0 && len(o.list[at-1].entries) < pageSize {
			at--
			i = len(o.list[at].entries)
		} else {
			o.list = append(o.list, &page[K, V]{entries: make([]entry[K, V], 0, pageSize)})
		}
	}
	p := o.list[at]
	if len(p.entries) == pageSize {
		upper := &page[K, V]{entries: make([]entry[K, V], 0, pageSize)}
		upper.entries = append(upper.entries, p.entries[pageSize/2:]...)
		clear(p.entries[pageSize/2:])
		p.entries = p.entries[:pageSize/2]
		o.list = slices.Insert(o.list, at+1, upper)
		if i > pageSize/2 {
			p, i = upper, i-pageSize/2
		}
	}
	p.entries = slices.Insert(p.entries, i, entry[K, V]{k, v})
}

// remove removes an entry. Pages that have become small are joined.
func (o *pages[K, V]) remove(k K) {
	at, i, found := o.find(k)
	if !found {
		return
	}
	p := o.list[at]
	p.entries = slices.Delete(p.entries, i, i+1)
	switch {
	case len(p.entries) == 0:
		o.list = slices.Delete(o.list, at, at+1)
	case at > 0 && len(p.entries)+len(o.list[at-1].entries) <= pageSize/2:
		before := o.list[at-1]
		before.entries = append(before.entries, p.entries...)
		o.list = slices.Delete(o.list, at, at+1)
	}
}

// all yields the entries in ascending order. During the walk the present one may be removed,
// but no other, and none may be added.
func (o *pages[K, V]) all() iter.Seq2[K, *V] { return o.from(0, 0) }

// from yields the entries from a place on, like all.
func (o *pages[K, V]) from(at, i int) iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		at, i := at, i
		for at < len(o.list) {
			p := o.list[at]
			if i >= len(p.entries) {
				at, i = at+1, 0
				continue
			}
			e := p.entries[i]
			if !yield(e.key, e.value) {
				return
			}
			switch {
			case at < len(o.list) && o.list[at] == p && i < len(p.entries) && p.entries[i].key == e.key:
				i++
			default: // it was removed, and its page perhaps joined with another
				var found bool
				if at, i, found = o.find(e.key); found {
					i++
				}
			}
		}
	}
}

// part returns the key at which the k-th of n parts of about the same size begins; last is
// true behind the last one.
func (o *pages[K, V]) part(k, n uint64) (begin K, last bool) {
	x := uint64(len(o.list)) * k
	if k >= n || len(o.list) == 0 {
		return begin, true
	}
	entries := o.list[x/n].entries
	return entries[x%n*uint64(len(entries))/n].key, false
}
