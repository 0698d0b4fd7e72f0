package entries

import (
	"slices"
	"sort"
)

// pageSize is how many places a page has at most. Adding or removing one moves half a page.
const pageSize = 256

// order are places in ascending order of their keys, in pages, so that adding and removing one
// does not move all others.
type order struct {
	keyAt func(Place) uint64
	pages []*page // none is empty
}

type page struct {
	last   uint64 // the key of its last place
	places []Place
}

// find returns the page in which a key is or belongs, and its place there.
func (o *order) find(k uint64) (at, i int, found bool) {
	if n := len(o.pages); n == 0 || k > o.pages[n-1].last {
		return n, 0, false
	}
	at = sort.Search(len(o.pages), func(i int) bool { return o.pages[i].last >= k })
	places := o.pages[at].places
	i = sort.Search(len(places), func(i int) bool { return o.keyAt(places[i]) >= k })
	return at, i, o.keyAt(places[i]) == k
}

// insert adds a place whose key is not there yet.
func (o *order) insert(p Place) {
	k := o.keyAt(p)
	at, i, _ := o.find(k)
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
		in.last = o.keyAt(in.places[pageSize/2-1])
		o.pages = slices.Insert(o.pages, at+1, upper)
		if i > pageSize/2 {
			in, i = upper, i-pageSize/2
		}
	}
	in.places = slices.Insert(in.places, i, p)
	in.last = max(in.last, k)
}

// remove removes a place. Pages that have become small are joined.
func (o *order) remove(k uint64) {
	at, i, found := o.find(k)
	if !found {
		return
	}
	in := o.pages[at]
	in.places = slices.Delete(in.places, i, i+1)
	if n := len(in.places); n > 0 {
		in.last = o.keyAt(in.places[n-1])
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

// skip returns where a place is, if it is behind the last of its page: at the beginning of the
// next page.
func (o *order) skip(at, i int) (int, int) {
	if at < len(o.pages) && i >= len(o.pages[at].places) {
		return at + 1, 0
	}
	return at, i
}

// next returns where the place behind one is, whose key is k and which may have been removed.
func (o *order) next(at, i int, p Place, k uint64) (int, int) {
	if at < len(o.pages) && i < len(o.pages[at].places) && o.pages[at].places[i] == p && o.keyAt(p) == k {
		return o.skip(at, i+1)
	}
	at, i, found := o.find(k) // its page was perhaps joined with another
	if found {
		i++
	}
	return o.skip(at, i)
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
