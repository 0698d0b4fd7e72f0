package wire

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// ScorerInPages is version 2 of KindPlacementScorer, as DescribeResponse.kind_versions
// names it: views and scores come in pages.
const ScorerInPages = KindPlacementScorer + "/2"

// The size of pages, in bytes.
const (
	// PageBytes is how large a page is unless the other side asks for less. Many small
	// messages cost more than a few large ones, but each is held as a whole.
	PageBytes = 512 << 10
	// LeastPage is the smallest size that may be asked for.
	LeastPage = 1 << 10
)

// LatestVersion returns the latest version of a kind that a plugin serves which named
// these, and that is in known; 1 if it named none of them.
func LatestVersion(kind string, named []string, known ...int) int {
	latest := 1
	for _, name := range named {
		of, number, found := strings.Cut(name, "/")
		version, err := strconv.Atoi(number)
		if found && of == kind && err == nil && slices.Contains(known, version) {
			latest = max(latest, version)
		}
	}
	return latest
}

// PageLimit returns how large a page may be for somebody who asked for so many bytes; 0
// asks for no size.
func PageLimit(asked uint32) int {
	return min(max(cmp.Or(int(asked), PageBytes), LeastPage), MaxMessage/2)
}
