package main

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Within its limits held is exactly a set.
func TestHeldIsASet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var h held
		model := map[key]bool{}
		for _, op := range rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) key {
			return key{rapid.Uint64Range(1, 4).Draw(rt, "epoch"), rapid.Uint64Range(1, 40).Draw(rt, "seq")}
		}), 0, 200).Draw(rt, "keys") {
			if h.has(op) != model[op] {
				rt.Fatalf("has(%v) = %v, want %v in %+v", op, h.has(op), model[op], h)
			}
			h.add(op)
			model[op] = true
		}
		for epoch := uint64(0); epoch < 6; epoch++ {
			for seq := uint64(0); seq < 42; seq++ {
				if k := (key{epoch, seq}); h.has(k) != model[k] {
					rt.Fatalf("has(%v) = %v, want %v in %+v", k, h.has(k), model[k], h)
				}
			}
		}
		for _, e := range h.epochs {
			for i := 1; i < len(e.spans); i++ {
				if e.spans[i-1].last+1 >= e.spans[i].first {
					rt.Fatalf("spans touch: %+v", e.spans)
				}
			}
		}
	})
}

func TestHeldIsLimitedAndForgetsTheOldest(t *testing.T) {
	var h held
	for epoch := uint64(1); epoch <= maxEpochs; epoch++ {
		h.add(key{epoch, 1})
	}
	h.add(key{1, 2}) // used again, so the second is the oldest now
	h.add(key{1000, 1})
	if len(h.epochs) != maxEpochs || h.has(key{2, 1}) || !h.has(key{1, 1}) || !h.has(key{1000, 1}) {
		t.Errorf("kept %d epochs: %v", len(h.epochs), h.epochs)
	}
	for seq := uint64(2); seq <= 4*maxSpans; seq += 2 {
		h.add(key{5000, seq})
	}
	spans := h.epochs[len(h.epochs)-1].spans
	if len(spans) != maxSpans || h.has(key{5000, 2}) || !h.has(key{5000, 4 * maxSpans}) {
		t.Errorf("kept %d spans", len(spans))
	}
}

func TestHeldAtTheEndsOfNumbers(t *testing.T) {
	var h held
	h.add(key{0, math.MaxUint64})
	h.add(key{0, math.MaxUint64 - 1})
	h.add(key{0, 1})
	h.add(key{0, 0})
	if !h.has(key{0, math.MaxUint64}) || !h.has(key{0, 0}) || h.has(key{0, 2}) || len(h.epochs[0].spans) != 2 {
		t.Errorf("%+v", h)
	}
}
