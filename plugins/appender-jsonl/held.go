package main

import (
	"slices"
	"sort"
)

// key identifies a record of one chain.
type key struct{ epoch, seq uint64 }

// held remembers which records of a chain are on disk: for each of the latest epochs the
// spans of their seqs, usually one. Epochs and spans beyond its limits are forgotten:
// their records may be written twice, but none is lost. The zero value holds nothing.
type held struct {
	epochs []epochHeld // the last one was used last
}

type epochHeld struct {
	epoch uint64
	spans []span // ascending, with gaps between them
}

// span is a run of seqs, both ends included.
type span struct{ first, last uint64 }

// The limits of the memory: 64 epochs of 256 spans are a quarter of a megabyte.
const (
	maxEpochs = 64
	maxSpans  = 256
)

// has reports whether it is known that the record is on disk.
func (h *held) has(k key) bool {
	i := h.find(k.epoch)
	if i < 0 {
		return false
	}
	spans := h.epochs[i].spans
	j := after(spans, k.seq)
	return j > 0 && k.seq <= spans[j-1].last
}

// add notes that a record is on disk.
func (h *held) add(k key) {
	i := h.find(k.epoch)
	switch last := len(h.epochs) - 1; {
	case i < 0:
		if len(h.epochs) == maxEpochs {
			h.epochs = slices.Delete(h.epochs, 0, 1)
		}
		h.epochs = append(h.epochs, epochHeld{epoch: k.epoch})
	case i < last:
		used := h.epochs[i]
		h.epochs = append(slices.Delete(h.epochs, i, i+1), used)
	}
	e := &h.epochs[len(h.epochs)-1]
	e.spans = insert(e.spans, k.seq)
	if len(e.spans) > maxSpans {
		e.spans = slices.Delete(e.spans, 0, 1)
	}
}

func (h *held) find(epoch uint64) int {
	for i := len(h.epochs) - 1; i >= 0; i-- {
		if h.epochs[i].epoch == epoch {
			return i
		}
	}
	return -1
}

// after returns the index of the first span that begins after seq.
func after(spans []span, seq uint64) int {
	if n := len(spans); n > 0 && spans[n-1].first <= seq {
		return n // nearly always
	}
	return sort.Search(len(spans), func(i int) bool { return spans[i].first > seq })
}

// insert adds seq and joins the spans that touch then.
func insert(spans []span, seq uint64) []span {
	i := after(spans, seq)
	if i > 0 && seq <= spans[i-1].last {
		return spans
	}
	left := i > 0 && spans[i-1].last+1 == seq
	right := i < len(spans) && seq+1 == spans[i].first
	switch {
	case left && right:
		spans[i-1].last = spans[i].last
		return slices.Delete(spans, i, i+1)
	case left:
		spans[i-1].last = seq
		return spans
	case right:
		spans[i].first = seq
		return spans
	}
	return slices.Insert(spans, i, span{seq, seq})
}
