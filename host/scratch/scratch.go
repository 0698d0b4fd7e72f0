package scratch

const (
	// always is how many entries are always worth keeping.
	always = 1024
	// excess is how many times the entries that were needed lately a list may have room for.
	excess = 4
	// decay is the part by which what was needed lately is forgotten each time.
	decay = 32
)

// Gauge knows how long a list was lately. The zero value knows nothing.
type Gauge struct{ needed int }

// Again returns a list empty, to be filled again: in the same memory, unless that is much more
// than was needed lately.
func Again[T any](g *Gauge, list []T) []T {
	g.needed = max(len(list), g.needed-g.needed/decay-1, 0)
	if cap(list) > max(always, excess*g.needed) {
		return nil
	}
	return list[:0]
}
