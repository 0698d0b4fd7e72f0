package shared

import (
	"cmp"
	"slices"
)

// fanOut is how many chunks a branch has at most.
const fanOut = 128

// Editor makes one table from the one before. It is used by one goroutine. What was published
// shares with the editor all that is not written to afterwards.
type Editor[K cmp.Ordered, V any] struct {
	now   Table[K, V]
	own   *owner // of what may be written to; nil right after publishing
	chunk int
	last  struct{ branch, chunk int } // the place of the last key: the next one is often near
}

// NewEditor returns an editor of an empty table, in which so many entries are copied at once
// when one of them changes. Many make the table smaller, few make changes cheaper.
func NewEditor[K cmp.Ordered, V any](chunk int) *Editor[K, V] {
	return &Editor[K, V]{chunk: max(4, chunk)}
}

// Of returns a table of these entries. Of equal keys the last one counts.
func Of[K cmp.Ordered, V any](key func(V) K, values ...V) Table[K, V] {
	e := NewEditor[K, V](64)
	for _, v := range values {
		e.Put(key(v), v)
	}
	return e.Publish()
}

// Now returns the table as it is being edited, to be read before the next edit.
func (e *Editor[K, V]) Now() Table[K, V] { return e.now }

// Publish returns the table as it is now, which never changes again.
func (e *Editor[K, V]) Publish() Table[K, V] {
	e.own = nil
	if e.now.Len() == 0 {
		e.now = Table[K, V]{}
	}
	return e.now
}

// Get returns the value of a key; nil if there is none. It must not be written to.
func (e *Editor[K, V]) Get(k K) *V {
	if e.now.Len() == 0 {
		return nil
	}
	b, in := e.place(k)
	c := e.now.root.branches[b].chunks[in]
	if i, found := c.search(k); found {
		return &c.values[i]
	}
	return nil
}

// Edit returns the value of a key, which may be written to before the next edit; nil if there
// is none.
func (e *Editor[K, V]) Edit(k K) *V {
	if e.Get(k) == nil {
		return nil
	}
	e.begin()
	at, in := e.place(k)
	c := e.ownChunk(e.ownBranch(at), in)
	i, _ := c.search(k)
	return &c.values[i]
}

// Len returns how many entries there are.
func (e *Editor[K, V]) Len() int { return e.now.Len() }

// place is root.place, which it need not ask for keys that come in order.
func (e *Editor[K, V]) place(k K) (b, c int) {
	r := e.now.root
	b, c = e.last.branch, e.last.chunk
	for range 2 {
		if b >= len(r.branches) || c >= len(r.branches[b].chunks) || k < r.branches[b].chunks[c].keys[0] {
			break
		}
		next, in := b, c+1
		if in == len(r.branches[b].chunks) {
			next, in = b+1, 0
		}
		if next == len(r.branches) || k < r.branches[next].chunks[in].keys[0] {
			e.last.branch, e.last.chunk = b, c
			return b, c
		}
		b, c = next, in
	}
	b, c = r.place(k)
	e.last.branch, e.last.chunk = b, c
	return b, c
}

// Update sets the value of a key, unless equal holds of the present one and it.
func (e *Editor[K, V]) Update(k K, v *V, equal func(was, v *V) bool) {
	if was := e.Get(k); was == nil || !equal(was, v) {
		e.Put(k, *v)
	}
}

// Put sets the value of a key.
func (e *Editor[K, V]) Put(k K, v V) {
	e.begin()
	r := e.now.root
	if len(r.branches) == 0 {
		c := &chunk[K, V]{owner: e.own, keys: []K{k}, values: []V{v}}
		r.branches = []*branch[K, V]{{owner: e.own, chunks: []*chunk[K, V]{c}}}
		r.len = 1
		return
	}
	at, in := e.place(k)
	b := e.ownBranch(at)
	c := e.ownChunk(b, in)
	i, found := c.search(k)
	if found {
		c.values[i] = v
		return
	}
	r.len++
	if e.hasRoom(c) {
		c.insert(i, k, v)
		return
	}
	right := &chunk[K, V]{owner: e.own}
	half := len(c.keys) / 2
	if i == len(c.keys) && in == len(b.chunks)-1 && at == len(r.branches)-1 {
		half = i // keys that come in order fill their chunks
	}
	right.keys, right.values = slices.Clone(c.keys[half:]), slices.Clone(c.values[half:])
	clear(c.values[half:])
	c.keys, c.values = c.keys[:half], c.values[:half]
	if i >= half {
		right.insert(i-half, k, v)
	} else {
		c.insert(i, k, v)
	}
	b.chunks = slices.Insert(b.chunks, in+1, right)
	if len(b.chunks) > fanOut {
		e.splitBranch(at)
	}
}

// hasRoom reports whether a chunk takes one more entry. The allocator gives memory in certain
// sizes, so a chunk may take an eighth more than so many where there is room.
func (e *Editor[K, V]) hasRoom(c *chunk[K, V]) bool {
	n := len(c.keys)
	return n < e.chunk || n < cap(c.values) && n < e.chunk+e.chunk/8
}

// insert inserts an entry. There is room for as many keys as values.
func (c *chunk[K, V]) insert(i int, k K, v V) {
	c.values = slices.Insert(c.values, i, v)
	if len(c.keys) == cap(c.keys) {
		c.keys = append(make([]K, 0, cap(c.values)), c.keys...)
	}
	c.keys = slices.Insert(c.keys, i, k)
}

// Delete removes a key, and reports whether there was one.
func (e *Editor[K, V]) Delete(k K) bool {
	if e.Get(k) == nil {
		return false
	}
	e.begin()
	r := e.now.root
	at, in := e.place(k)
	b := e.ownBranch(at)
	c := e.ownChunk(b, in)
	i, _ := c.search(k)
	c.keys, c.values = slices.Delete(c.keys, i, i+1), slices.Delete(c.values, i, i+1)
	r.len--
	switch {
	case len(c.keys) == 0:
		b.chunks = slices.Delete(b.chunks, in, in+1)
	case in+1 < len(b.chunks) && len(c.keys)+len(b.chunks[in+1].keys) <= e.chunk/2:
		e.join(b, in)
	case in > 0 && len(c.keys)+len(b.chunks[in-1].keys) <= e.chunk/2:
		e.join(b, in-1)
	}
	if len(b.chunks) == 0 {
		r.branches = slices.Delete(r.branches, at, at+1)
	} else if at+1 < len(r.branches) && len(b.chunks)+len(r.branches[at+1].chunks) <= fanOut/2 {
		b.chunks = append(b.chunks, r.branches[at+1].chunks...)
		r.branches = slices.Delete(r.branches, at+1, at+2)
	}
	return true
}

// join joins a chunk with the one after it.
func (e *Editor[K, V]) join(b *branch[K, V], i int) {
	c, after := e.ownChunk(b, i), b.chunks[i+1]
	c.keys, c.values = append(c.keys, after.keys...), append(c.values, after.values...)
	b.chunks = slices.Delete(b.chunks, i+1, i+2)
}

func (e *Editor[K, V]) splitBranch(at int) {
	r := e.now.root
	b := r.branches[at]
	half := len(b.chunks) / 2
	if at == len(r.branches)-1 {
		half = len(b.chunks) - 1 // as above
	}
	right := &branch[K, V]{owner: e.own, chunks: slices.Clone(b.chunks[half:])}
	clear(b.chunks[half:])
	b.chunks = b.chunks[:half]
	r.branches = slices.Insert(r.branches, at+1, right)
}

// begin makes a spine of the editor's own, unless there is one.
func (e *Editor[K, V]) begin() {
	if e.own != nil {
		return
	}
	e.own = new(owner)
	next := &root[K, V]{}
	if r := e.now.root; r != nil {
		next.len, next.branches = r.len, slices.Clone(r.branches)
	}
	e.now = Table[K, V]{next}
}

func (e *Editor[K, V]) ownBranch(at int) *branch[K, V] {
	b := e.now.root.branches[at]
	if b.owner != e.own {
		b = &branch[K, V]{owner: e.own, chunks: slices.Clone(b.chunks)}
		e.now.root.branches[at] = b
	}
	return b
}

func (e *Editor[K, V]) ownChunk(b *branch[K, V], in int) *chunk[K, V] {
	c := b.chunks[in]
	if c.owner != e.own {
		c = &chunk[K, V]{owner: e.own, keys: slices.Clone(c.keys), values: slices.Clone(c.values)}
		b.chunks[in] = c
	}
	return c
}
