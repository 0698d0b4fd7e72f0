package wire

// The kinds of plugins, by the names that Describe returns and configurations use.
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
	KindMesh             = "mesh"
)

// Kinds returns every kind, in the order of the contract.
func Kinds() []string {
	return []string{
		KindLocalityProbe, KindHealthProbe, KindInventoryProbe, KindPlacementScorer,
		KindMigrationAborter, KindMigrationSource, KindChainAppender, KindActuator,
		KindEventSource, KindRecoveryHandler, KindControlSink, KindMesh,
	}
}
