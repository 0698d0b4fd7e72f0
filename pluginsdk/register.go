package pluginsdk

import (
	"google.golang.org/grpc"

	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// kindsOf names the kinds whose methods the type of v has, in the order of package
// wire. A nil pointer will do.
func kindsOf(v any) []string {
	var kinds []string
	add := func(kind string, served bool) {
		if served {
			kinds = append(kinds, kind)
		}
	}
	add(wire.KindLocalityProbe, is[LocalityProbe](v))
	add(wire.KindHealthProbe, is[HealthProbe](v))
	add(wire.KindInventoryProbe, is[InventoryProbe](v))
	add(wire.KindPlacementScorer, is[PlacementScorer](v))
	add(wire.KindMigrationAborter, is[MigrationAborter](v))
	add(wire.KindMigrationSource, is[MigrationSource](v))
	add(wire.KindChainAppender, is[ChainAppender](v))
	add(wire.KindActuator, is[Actuator](v))
	add(wire.KindEventSource, is[EventSource](v))
	add(wire.KindRecoveryHandler, is[RecoveryHandler](v))
	add(wire.KindControlSink, is[ControlSink](v))
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
		case wire.KindLocalityProbe:
			pluginv1.RegisterLocalityProbeServer(r, localityService{s: s})
		case wire.KindHealthProbe:
			pluginv1.RegisterHealthProbeServer(r, healthService{s: s})
		case wire.KindInventoryProbe:
			pluginv1.RegisterInventoryProbeServer(r, inventoryService{s: s})
		case wire.KindPlacementScorer:
			pluginv1.RegisterPlacementScorerServer(r, scorerService{s: s})
		case wire.KindMigrationAborter:
			pluginv1.RegisterMigrationAborterServer(r, aborterService{s: s})
		case wire.KindMigrationSource:
			pluginv1.RegisterMigrationSourceServer(r, migrationsService{s: s})
		case wire.KindChainAppender:
			pluginv1.RegisterChainAppenderServer(r, appenderService{s: s})
		case wire.KindActuator:
			pluginv1.RegisterActuatorServer(r, actuatorService{s: s})
		case wire.KindEventSource:
			pluginv1.RegisterEventSourceServer(r, eventService{s: s})
		case wire.KindRecoveryHandler:
			pluginv1.RegisterRecoveryHandlerServer(r, recoveryService{s: s})
		case wire.KindControlSink:
			pluginv1.RegisterControlSinkServer(r, controlService{s: s})
		}
	}
}
