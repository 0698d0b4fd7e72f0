package operator

import "github.com/meshos/meshos/host/snapshot"

// Observe lets tests show one snapshot at a time.
func (a *Authorizer) Observe(s *snapshot.Snapshot) { a.observe(s) }
