package pluginsdk

import (
	"google.golang.org/grpc"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// The names of the kinds, as Describe says them.
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

// kindsOf names the kinds whose methods the type of v has, in the order above. A
// nil pointer will do.
func kindsOf(v any) []string {
	var kinds []string
	add := func(kind string, served bool) {
		if served {
			kinds = append(kinds, kind)
		}
	}
	add(KindLocalityProbe, is[LocalityProbe](v))
	add(KindHealthProbe, is[HealthProbe](v))
	add(KindInventoryProbe, is[InventoryProbe](v))
	add(KindPlacementScorer, is[PlacementScorer](v))
	add(KindMigrationAborter, is[MigrationAborter](v))
	add(KindMigrationSource, is[MigrationSource](v))
	add(KindChainAppender, is[ChainAppender](v))
	add(KindActuator, is[Actuator](v))
	add(KindEventSource, is[EventSource](v))
	add(KindRecoveryHandler, is[RecoveryHandler](v))
	add(KindControlSink, is[ControlSink](v))
	return kinds
}

func is[I any](v any) bool {
	_, ok := v.(I)
	return ok
}

// Register adds the plugin's services to a gRPC server: Plugin and one for each
// kind. A service that is not there answers UNIMPLEMENTED.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	pluginv1.RegisterPluginServer(r, pluginService{s: s})
	for _, kind := range s.kinds {
		switch kind {
		case KindLocalityProbe:
			pluginv1.RegisterLocalityProbeServer(r, localityService{s: s})
		case KindHealthProbe:
			pluginv1.RegisterHealthProbeServer(r, healthService{s: s})
		case KindInventoryProbe:
			pluginv1.RegisterInventoryProbeServer(r, inventoryService{s: s})
		case KindPlacementScorer:
			pluginv1.RegisterPlacementScorerServer(r, scorerService{s: s})
		case KindMigrationAborter:
			pluginv1.RegisterMigrationAborterServer(r, aborterService{s: s})
		case KindMigrationSource:
			pluginv1.RegisterMigrationSourceServer(r, migrationsService{s: s})
		case KindChainAppender:
			pluginv1.RegisterChainAppenderServer(r, appenderService{s: s})
		case KindActuator:
			pluginv1.RegisterActuatorServer(r, actuatorService{s: s})
		case KindEventSource:
			pluginv1.RegisterEventSourceServer(r, eventService{s: s})
		case KindRecoveryHandler:
			pluginv1.RegisterRecoveryHandlerServer(r, recoveryService{s: s})
		case KindControlSink:
			pluginv1.RegisterControlSinkServer(r, controlService{s: s})
		}
	}
}
