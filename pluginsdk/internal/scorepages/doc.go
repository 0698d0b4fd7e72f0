// Package scorepages takes the pages of version 2 of placement scorers apart and puts them
// together: views come in pages and become a request, scores become pages.
//
// It knows neither streams nor authors. A host reads and writes the same pages with code of
// its own, which trusts nobody.
package scorepages
