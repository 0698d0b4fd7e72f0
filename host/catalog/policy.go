package catalog

import (
	"time"

	"github.com/meshos/meshos/internal/backoff"
)

// policy holds the times by which a machine decides.
type policy struct {
	backoff    backoff.Doubling // before the next try; a random part of it is waited
	stable     time.Duration    // a run this long makes up for all failures before it
	window     time.Duration    // failures older than this don't count
	limit      int              // so many failures within the window mean quarantine
	quarantine time.Duration    // until the trial
	hang       time.Duration    // lagging for so long means killed
	unlinked   time.Duration    // the longest of all these pauses for a mesh plugin
}

// defaultPolicy returns the policy that docs/plugins.md describes.
func defaultPolicy(hang time.Duration) policy {
	return policy{
		backoff:    backoff.Doubling{First: 200 * time.Millisecond, Max: time.Minute},
		stable:     time.Minute,
		window:     10 * time.Minute,
		limit:      5,
		quarantine: 10 * time.Minute,
		hang:       hang,
		unlinked:   30 * time.Second,
	}
}
