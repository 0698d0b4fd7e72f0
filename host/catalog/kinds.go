package catalog

import "slices"

// The kinds that a plugin may serve, as Describe names them.
const (
	KindLocalityProbe    = "locality_probe"
	KindHealthProbe      = "health_probe"
	KindInventoryProbe   = "inventory_probe"
	KindPlacementScorer  = "placement_scorer"
	KindMigrationAborter = "migration_aborter"
	KindMigrationSource  = "migration_source"
	KindChainAppender    = "chain_appender"
	KindActuator         = "actuator"
	KindEventSource      = "event_source"
	KindRecoveryHandler  = "recovery_handler"
	KindControlSink      = "control_sink"
)

// allKinds gives every kind that this host knows, in the contract's order.
func allKinds() []string {
	return []string{
		KindLocalityProbe, KindHealthProbe, KindInventoryProbe, KindPlacementScorer,
		KindMigrationAborter, KindMigrationSource, KindChainAppender, KindActuator,
		KindEventSource, KindRecoveryHandler, KindControlSink,
	}
}

// knownKinds parts what a plugin says it serves: known without repetitions and
// sorted, and what this host has never heard of.
func knownKinds(said []string) (known, unknown []string) {
	all := allKinds()
	for _, kind := range said {
		if slices.Contains(all, kind) {
			known = append(known, kind)
		} else {
			unknown = append(unknown, kind)
		}
	}
	slices.Sort(known)
	return slices.Compact(known), unknown
}

// isProbe says whether a plugin of these kinds wants to know the peers.
func isProbe(kinds []string) bool {
	return slices.Contains(kinds, KindLocalityProbe) ||
		slices.Contains(kinds, KindHealthProbe) ||
		slices.Contains(kinds, KindInventoryProbe)
}
