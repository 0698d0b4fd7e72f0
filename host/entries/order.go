package entries

import (
	"iter"
	"slices"
	"sort"
)

// pageSize is how many places a page has at most. Adding or removing one moves half a page.
const pageSize = 256

// order are places in ascending order of their keys, in pages, so that adding and removing one
// does not move all others. The zero value is empty.
type order struct {
	pages []*page // none is empty
}

type page struct {
	last   uint64 // the key of its last place
	places []Place
}

// find returns the page in which a key is or belongs, and its place there.
func (o *order) find(k uint64, keyAt func(Place) uint64) (at, i int, found bool) {
	if n := len(o.pages); n == 0 || k > o.pages[n-1].last {
		return n, 0, false
	}
	at = sort.Search(len(o.pages), func(i int) bool { return o.pages[i].last >= k })
	places := o.pages[at].places
	i = sort.Search(len(places), func(i int) bool { return keyAt(places[i]) >= k })
	return at, i, keyAt(places[i]) == k
}

// insert adds a place whose key is not there yet.
func (o *order) insert(p Place, keyAt func(Place) uint64) {
	k := keyAt(p)
	at, i, _ := o.find(k, keyAt)
	if at == len(o.pages) { // behind all others
		if at > 0 && len(o.pages[at-1].places) < pageSize {
			at--
			i = len(o.pages[at].places)
		} else {
			o.pages = append(o.pages, &page{places: make([]Place, 0, pageSize)})
		}
	}
	in := o.pages[at]
	if len(in.places) == pageSize {
		upper := &page{last: in.last, places: make([]Place, 0, pageSize)}
		upper.places = append(upper.places, in.places[pageSize/2:]...)
		in.places = in.places[:pageSize/2]
		in.last = keyAt(in.places[pageSize/2-1])
		o.pages = slices.Insert(o.pages, at+1, upper)
		if i > pageSize/2 {
			in, i = upper, i-pageSize/2
		}
	}
	in.places = slices.Insert(in.places, i, p)
	in.last = max(in.last, k)
}

// remove removes a place. Pages that have become small are joined.
func (o *order) remove(k uint64, keyAt func(Place) uint64) {
	at, i, found := o.find(k, keyAt)
	if !found {
		return
	}
	in := o.pages[at]
	in.places = slices.Delete(in.places, i, i+1)
	if n := len(in.places); n > 0 {
		in.last = keyAt(in.places[n-1])
	}
	switch {
	case len(in.places) == 0:
		o.pages = slices.Delete(o.pages, at, at+1)
	case at > 0 && len(in.places)+len(o.pages[at-1].places) <= pageSize/2:
		before := o.pages[at-1]
		before.last, before.places = in.last, append(before.places, in.places...)
		o.pages = slices.Delete(o.pages, at, at+1)
	}
}

// from yields the places from one on, in order. During the walk the present one may be removed,
// but no other, and none may be added.
func (o *order) from(at, i int, keyAt func(Place) uint64) iter.Seq[Place] {
	return func(yield func(Place) bool) {
		at, i := at, i
		for at < len(o.pages) {
			in := o.pages[at]
			if i >= len(in.places) {
				at, i = at+1, 0
				continue
			}
			p, k := in.places[i], keyAt(in.places[i])
			if !yield(p) {
				return
			}
			switch {
			case at < len(o.pages) && o.pages[at] == in && i < len(in.places) && in.places[i] == p:
				i++
			default: // it was removed, and its page perhaps joined with another
				var found bool
				if at, i, found = o.find(k, keyAt); found {
					i++
				}
			}
		}
	}
}

// part returns the place at which the k-th of n parts of about the same size begins; last is
// true behind the last one.
func (o *order) part(k, n uint64) (begin Place, last bool) {
	x := uint64(len(o.pages)) * k
	if k >= n || len(o.pages) == 0 {
		return 0, true
	}
	places := o.pages[x/n].places
	return places[x%n*uint64(len(places))/n], false
}
