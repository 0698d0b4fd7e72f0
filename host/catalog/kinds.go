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

// allKinds returns every kind that this host knows, in the order of the contract.
func allKinds() []string {
	return []string{
		KindLocalityProbe, KindHealthProbe, KindInventoryProbe, KindPlacementScorer,
		KindMigrationAborter, KindMigrationSource, KindChainAppender, KindActuator,
		KindEventSource, KindRecoveryHandler, KindControlSink,
	}
}

// knownKinds splits the kinds that somebody named into those that this host knows, sorted
// and without repetitions, and the others.
func knownKinds(named []string) (known, unknown []string) {
	all := allKinds()
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
