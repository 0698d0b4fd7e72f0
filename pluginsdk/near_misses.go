package pluginsdk

import (
	"fmt"
	"io"
	"reflect"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// isNil reports whether v is nil or a nil pointer.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
}

// method is a method that the SDK looks for in an instance.
type method struct {
	of        string // the kind or interface
	name      string
	signature string
	has       func(any) bool // reports whether it is there with this signature
}

func methods() []method {
	return []method{
		{wire.KindLocalityProbe, "SampleRTT", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error)", implements[LocalityProbe]},
		{wire.KindHealthProbe, "SampleHealth", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.HealthSample, error)", implements[HealthProbe]},
		{wire.KindInventoryProbe, "SampleInventory", "(context.Context) ([]*meshosv1.PeerInventory, error)", implements[InventoryProbe]},
		{wire.KindPlacementScorer, "Score", "(context.Context, pluginsdk.View) ([]*meshosv1.ChainScore, error)", implements[PlacementScorer]},
		{"a StreamingScorer", "StreamScores", "(context.Context, pluginsdk.View, func([]*meshosv1.ChainScore) error) error", implements[StreamingScorer]},
		{wire.KindMigrationAborter, "Abort", "(context.Context, uint64, string) error", implements[MigrationAborter]},
		{wire.KindMigrationSource, "ListMigrations", "(context.Context) ([]*meshosv1.MigrationView, error)", implements[MigrationSource]},
		{wire.KindChainAppender, "Append", "(context.Context, []*meshosv1.Record) error", implements[ChainAppender]},
		{wire.KindActuator, "Dispatch", "(context.Context, uint64, *meshosv1.Action) ([]*meshosv1.Event, error)", implements[Actuator]},
		{wire.KindEventSource, "Events", "(context.Context, func([]*meshosv1.Event) error) error", implements[EventSource]},
		{wire.KindRecoveryHandler, "Recover", "(context.Context, []uint64) ([]uint32, []*meshosv1.Event, error)", implements[RecoveryHandler]},
		{wire.KindControlSink, "Deliver", "(context.Context, *pluginv1.ControlEvent) error", implements[ControlSink]},
		{wire.KindMesh, "SetMembers", "(context.Context, *pluginv1.SetMembersRequest) error", implements[Mesh]},
		{wire.KindMesh, "Follow", "(context.Context, *pluginv1.FollowRequest, func(*pluginv1.MeshBatch) error) error", implements[Mesh]},
		{"a Runner", "Run", "(context.Context) error", implements[Runner]},
		{"a PeerWatcher", "SetPeers", "([]pluginsdk.Peer)", implements[PeerWatcher]},
		{"a NowProber", "ProbeNow", "(context.Context, pluginsdk.Peer, pluginsdk.ProbeRequest) (pluginsdk.ProbeResult, error)", implements[NowProber]},
		{"a Warner", "Warnings", "() []string", implements[Warner]},
		{"an io.Closer", "Close", "() error", implements[io.Closer]},
	}
}

// nearMisses describes the methods of v that have a name of these and another signature.
// The compiler can't report them, and they are never called.
func nearMisses(v any) []string {
	typ := reflect.TypeOf(v)
	var out []string
	for _, m := range methods() {
		for i := range typ.NumMethod() {
			if typ.Method(i).Name == m.name && !m.has(v) {
				out = append(out, fmt.Sprintf("its method %s is never called: that of %s is %s%s", m.name, m.of, m.name, m.signature))
			}
		}
	}
	return out
}
