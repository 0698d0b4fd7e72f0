package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/meshos/meshos/internal/plaintext"
)

// findings is what was left out of one answer: how many items of each kind of lie,
// and the first of each. The nil value is an honest answer.
type findings map[string]*lieCount

// lieCount counts one kind of lie.
type lieCount struct {
	n     uint64
	first string
}

// add notes an item that was left out.
func (f *findings) add(lie, format string, args ...any) {
	if *f == nil {
		*f = make(findings)
	}
	c := (*f)[lie]
	if c == nil {
		c = &lieCount{first: plaintext.Clean(fmt.Sprintf(format, args...), detailLength)}
		(*f)[lie] = c
	}
	c.n++
}

// report counts what was left out of an answer. Each kind of lie is told once in
// the life of the catalog, since it would be told at every tick otherwise.
func (s *slot) report(method string, f findings) {
	if len(f) == 0 {
		return
	}
	var fresh []string
	s.mu.Lock()
	for _, lie := range slices.Sorted(maps.Keys(f)) {
		c := s.lies[lie]
		if c == nil {
			c = &lieCount{first: f[lie].first}
			s.lies[lie] = c
			fresh = append(fresh, fmt.Sprintf("%s (%s)", lie, c.first))
		}
		c.n += f[lie].n
	}
	s.mu.Unlock()
	if len(fresh) > 0 {
		s.opts.Failure(s.entry.Name, fmt.Sprintf("%s: left out of its answer: %s; told once, counted from now on; its author has to repair that",
			method, strings.Join(fresh, "; ")))
	}
}

// liesTold lists what was left out so far. Called with mu held.
func (s *slot) liesTold() []string {
	var out []string
	for _, lie := range slices.Sorted(maps.Keys(s.lies)) {
		c := s.lies[lie]
		out = append(out, fmt.Sprintf("left out of its answers %d times: %s (first: %s)", c.n, lie, c.first))
	}
	return out
}
