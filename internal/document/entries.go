package document

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
)

// entries are one list of the document, sorted by key.
type entries[K any, M proto.Message] struct {
	compare func(a, b K) int
	key     func(M) K
	grow    func(m M, by time.Duration) bool // makes ages older; false if there is none to make older
	list    []entry[K, M]
}

// entry is a message with when it was taken: its ages are of then.
type entry[K any, M proto.Message] struct {
	key     K
	message M
	at      time.Time
}

func byID[M proto.Message](key func(M) uint64, grow func(M, time.Duration) bool) entries[uint64, M] {
	return entries[uint64, M]{compare: cmp.Compare[uint64], key: key, grow: grow}
}

func byName[M proto.Message](key func(M) string, grow func(M, time.Duration) bool) entries[string, M] {
	return entries[string, M]{compare: cmp.Compare[string], key: key, grow: grow}
}

func (e *entries[K, M]) find(k K) (int, bool) {
	if n := len(e.list); n > 0 && e.compare(e.list[n-1].key, k) < 0 {
		return n, false // most often what comes is the newest
	}
	return slices.BinarySearchFunc(e.list, k, func(e2 entry[K, M], k K) int { return e.compare(e2.key, k) })
}

func (e *entries[K, M]) put(at time.Time, changed []M) {
	for _, m := range changed {
		k := e.key(m)
		i, found := e.find(k)
		if !found {
			e.list = slices.Insert(e.list, i, entry[K, M]{})
		}
		e.list[i] = entry[K, M]{k, m, at}
	}
}

func (e *entries[K, M]) remove(keys []K) {
	gone := make([]bool, len(e.list))
	some := false
	for _, k := range keys {
		if i, found := e.find(k); found {
			gone[i], some = true, true
		}
	}
	if !some {
		return
	}
	kept := e.list[:0]
	for i, one := range e.list {
		if !gone[i] {
			kept = append(kept, one)
		}
	}
	clear(e.list[len(kept):])
	e.list = kept
}

// all returns the messages as they are at a time.
func (e *entries[K, M]) all(at time.Time) []M {
	if len(e.list) == 0 {
		return nil
	}
	out := make([]M, len(e.list))
	for i := range e.list {
		m := e.list[i].message
		if by := at.Sub(e.list[i].at); by > 0 && e.grow != nil {
			if older := proto.Clone(m).(M); e.grow(older, by) {
				m = older
			}
		}
		out[i] = m
	}
	return out
}
