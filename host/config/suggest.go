package config

import (
	"slices"
	"strings"
)

// nearest returns the known word that was most likely meant, or "" if none is similar
// enough to be suggested.
func nearest(word string, known []string) string {
	best, found := max(1, len(word)/3)+1, ""
	for _, candidate := range known {
		if d := distance(word, candidate); d < best {
			best, found = d, candidate
		}
	}
	return found
}

// Near returns the known words that a mistyped word may stand for, the most similar first.
func Near(word string, known []string) []string {
	word = strings.ToLower(word)
	apart := func(candidate string) int { return distance(word, strings.ToLower(candidate)) }
	var out []string
	for _, candidate := range known {
		begins := len(word) > 2 && strings.HasPrefix(strings.ToLower(candidate), word)
		if candidate != "" && (begins || apart(candidate) <= max(1, len(word)/3)) {
			out = append(out, candidate)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return apart(a) - apart(b) })
	return slices.Compact(out)
}

// distance returns how many letters must be inserted, deleted, changed or swapped with
// their neighbour to turn a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
