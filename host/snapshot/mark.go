package snapshot

import (
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// Mark is an instant, or none, which the zero value is.
type Mark struct {
	at  mesh.Time
	set bool
}

// At returns the mark of an instant.
func At(t mesh.Time) Mark { return Mark{t, true} }

func markIf(t mesh.Time, set bool) Mark {
	if !set {
		return Mark{}
	}
	return At(t)
}

// Get returns the instant; ok is false for none.
func (m Mark) Get() (at mesh.Time, ok bool) { return m.at, m.set }

// Set reports whether there is an instant.
func (m Mark) Set() bool { return m.set }

// Equal reports whether two marks are the same.
func (m Mark) Equal(other Mark) bool { return m == other }

// Since returns how long before now the mark was: 0 if it is after, nil if there is none.
func (m Mark) Since(now mesh.Time) *time.Duration {
	if !m.set {
		return nil
	}
	d := now.Since(m.at)
	return &d
}

// Until returns how long after now the mark is: 0 if it was before, nil if there is none.
func (m Mark) Until(now mesh.Time) *time.Duration {
	if !m.set {
		return nil
	}
	d := now.Until(m.at)
	return &d
}
