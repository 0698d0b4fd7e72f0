package catalog

import (
	"slices"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// The kinds that a plugin may serve, as Describe names them.
const (
	KindLocalityProbe    = wire.KindLocalityProbe
	KindHealthProbe      = wire.KindHealthProbe
	KindInventoryProbe   = wire.KindInventoryProbe
	KindPlacementScorer  = wire.KindPlacementScorer
	KindMigrationAborter = wire.KindMigrationAborter
	KindMigrationSource  = wire.KindMigrationSource
	KindChainAppender    = wire.KindChainAppender
	KindActuator         = wire.KindActuator
	KindEventSource      = wire.KindEventSource
	KindRecoveryHandler  = wire.KindRecoveryHandler
	KindControlSink      = wire.KindControlSink
)

// knownKinds splits the kinds that somebody named into those that this host knows, sorted
// and without repetitions, and the others.
func knownKinds(named []string) (known, unknown []string) {
	all := wire.Kinds()
	for _, kind := range named {
		if slices.Contains(all, kind) {
			known = append(known, kind)
		} else {
			unknown = append(unknown, kind)
		}
	}
	slices.Sort(known)
	return slices.Compact(known), unknown
}

// isProbe reports whether a plugin of these kinds has to know the peers.
func isProbe(kinds []string) bool {
	return slices.Contains(kinds, KindLocalityProbe) ||
		slices.Contains(kinds, KindHealthProbe) ||
		slices.Contains(kinds, KindInventoryProbe)
}
