package host

import (
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
)

// progress tells the executor how far the migration is that an action about a chain began, as the
// latest snapshot shows.
func progress(latest func() *snapshot.Snapshot) func(mesh.Action) (figure uint64, underWay bool) {
	return func(a mesh.Action) (figure uint64, underWay bool) {
		switch a.(type) {
		case mesh.RequestPlacement, mesh.RequestEviction, mesh.PullReplica, mesh.DropReplica:
		default:
			return 0, false
		}
		s := latest()
		if s == nil {
			return 0, false
		}
		for _, m := range s.Migrations {
			if m.Chain == 0 || uint64(m.Chain) != a.Key().Subject {
				continue
			}
			figure, underWay = figure+uint64(m.ID)<<8+uint64(m.Phase), true
			if m.DoneBytes != nil {
				figure += *m.DoneBytes << 8
			}
			if m.ProgressPercent != nil {
				figure += uint64(*m.ProgressPercent) << 8
			}
		}
		return figure, underWay
	}
}
