package pluginsdk

import (
	"slices"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// kindsOf returns the kinds whose interface the type of v implements, in the order of
// wire.Kinds. v may be a nil pointer.
func kindsOf(v any) []string {
	var kinds []string
	add := func(kind string, served bool) {
		if served {
			kinds = append(kinds, kind)
		}
	}
	add(wire.KindLocalityProbe, implements[LocalityProbe](v))
	add(wire.KindHealthProbe, implements[HealthProbe](v))
	add(wire.KindInventoryProbe, implements[InventoryProbe](v))
	add(wire.KindPlacementScorer, implements[PlacementScorer](v) || implements[StreamingScorer](v))
	add(wire.KindMigrationAborter, implements[MigrationAborter](v))
	add(wire.KindMigrationSource, implements[MigrationSource](v))
	add(wire.KindChainAppender, implements[ChainAppender](v))
	add(wire.KindActuator, implements[Actuator](v))
	add(wire.KindEventSource, implements[EventSource](v))
	add(wire.KindRecoveryHandler, implements[RecoveryHandler](v))
	add(wire.KindControlSink, implements[ControlSink](v))
	add(wire.KindMesh, implements[Mesh](v))
	return kinds
}

// kindVersions returns the later versions of these kinds, which the SDK serves beside the
// first.
func kindVersions(kinds []string) []string {
	if slices.Contains(kinds, wire.KindPlacementScorer) {
		return []string{wire.ScorerInPages}
	}
	return nil
}

func implements[I any](v any) bool {
	_, ok := v.(I)
	return ok
}

// Register adds the plugin's services to a gRPC server: Plugin and one for each
// kind. Calls of other services return UNIMPLEMENTED.
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
			pluginv1.RegisterPlacementScorerV2Server(r, pagedScorerService{s: s})
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
		case wire.KindMesh:
			pluginv1.RegisterMeshServer(r, meshService{s: s})
		}
	}
}
