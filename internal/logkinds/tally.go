package logkinds

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Tally counts texts, such as causes. The zero value is ready.
type Tally struct {
	counts map[string]int
	others int // texts beyond those that are told apart
}

// Add counts a text n times more; 0 makes it known.
func (t *Tally) Add(text string, n int) {
	if text == "" {
		return
	}
	text = masked(text)
	if _, known := t.counts[text]; !known && len(t.counts) >= mostCauses {
		t.others += n
		return
	}
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	t.counts[text] += n
}

// String returns "refused 0, timed out 1,187", and the most frequent ones and others if there
// are many; "" for none.
func (t *Tally) String() string {
	others, texts := t.others, slices.Sorted(maps.Keys(t.counts))
	if len(texts) > saidCauses {
		slices.SortStableFunc(texts, func(a, b string) int { return t.counts[b] - t.counts[a] })
		for _, text := range texts[saidCauses:] {
			others += t.counts[text]
		}
		texts = texts[:saidCauses]
	}
	var out []string
	for _, text := range texts {
		out = append(out, text+" "+Number(t.counts[text]))
	}
	if others > 0 {
		out = append(out, "others "+Number(others))
	}
	return strings.Join(out, ", ")
}

// Number returns a count as people read it: 1,187.
func Number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
