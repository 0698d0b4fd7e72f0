package schema

import "strings"

// nearest returns the known word that was probably meant, or "".
func nearest(word string, known []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", 3 // three edits are another word
	for _, k := range known {
		a, b := plain(word), plain(k)
		if len(a) > 64 {
			return ""
		}
		n := edits(a, b)
		if n < least && n <= max(len(a), len(b))/3 {
			best, least = k, n
		}
	}
	return best
}

// edits returns how many letters must be inserted, deleted, replaced or swapped with a
// neighbour to turn a into b.
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		now := make([]int, len(b)+1)
		now[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
