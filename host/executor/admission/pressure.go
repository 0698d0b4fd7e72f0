package admission

// Edge is a change of backpressure.
type Edge uint8

// The edges.
const (
	Steady   Edge = iota // no change
	Asserted             // too much waits
	Released             // it no longer does
)

// String returns "steady", "asserted" or "released".
func (e Edge) String() string {
	switch e {
	case Asserted:
		return "asserted"
	case Released:
		return "released"
	}
	return "steady"
}

// Pressure judges whether too much waits. It goes on at High and off only at Low, so
// that it does not flicker in between. Low must be below High.
type Pressure struct {
	High, Low int
	on        bool
}

// At takes how much waits now, and returns the change that this makes.
func (p *Pressure) At(depth int) Edge {
	switch {
	case !p.on && depth >= p.High:
		p.on = true
		return Asserted
	case p.on && depth <= p.Low:
		p.on = false
		return Released
	}
	return Steady
}

// Level returns how far depth is between Low (0) and High (1).
func (p *Pressure) Level(depth int) float64 {
	if p.High <= p.Low {
		return 1
	}
	return min(max(float64(depth-p.Low)/float64(p.High-p.Low), 0), 1)
}
