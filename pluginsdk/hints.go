package pluginsdk

import (
	"fmt"
	"io"
	"reflect"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// isNil says whether an author's constructor gave nothing.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
}

// form is a method that the SDK looks for.
type form struct {
	of, method, text string
	has              func(any) bool
}

func forms() []form {
	return []form{
		{wire.KindLocalityProbe, "SampleRTT", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error)", is[LocalityProbe]},
		{wire.KindHealthProbe, "SampleHealth", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.HealthSample, error)", is[HealthProbe]},
		{wire.KindInventoryProbe, "SampleInventory", "(context.Context) ([]*meshosv1.PeerInventory, error)", is[InventoryProbe]},
		{wire.KindPlacementScorer, "Score", "(context.Context, pluginsdk.View) ([]*meshosv1.ChainScore, error)", is[PlacementScorer]},
		{wire.KindMigrationAborter, "Abort", "(context.Context, uint64, string) error", is[MigrationAborter]},
		{wire.KindMigrationSource, "ListMigrations", "(context.Context) ([]*meshosv1.MigrationView, error)", is[MigrationSource]},
		{wire.KindChainAppender, "Append", "(context.Context, []*meshosv1.Record) error", is[ChainAppender]},
		{wire.KindActuator, "Dispatch", "(context.Context, uint64, *meshosv1.Action) ([]*meshosv1.Event, error)", is[Actuator]},
		{wire.KindEventSource, "Events", "(context.Context, func([]*meshosv1.Event) error) error", is[EventSource]},
		{wire.KindRecoveryHandler, "Recover", "(context.Context, []uint64) ([]uint32, []*meshosv1.Event, error)", is[RecoveryHandler]},
		{wire.KindControlSink, "Deliver", "(context.Context, *pluginv1.ControlEvent) error", is[ControlSink]},
		{"a Runner", "Run", "(context.Context) error", is[Runner]},
		{"a PeerWatcher", "SetPeers", "([]pluginsdk.Peer)", is[PeerWatcher]},
		{"a Warner", "Warnings", "() []string", is[Warner]},
		{"an io.Closer", "Close", "() error", is[io.Closer]},
	}
}

// nearMisses finds methods with the name of one that the SDK looks for, but in
// another form: the compiler says nothing about these, and they are never called.
func nearMisses(v any) []string {
	typ := reflect.TypeOf(v)
	var out []string
	for _, f := range forms() {
		for i := range typ.NumMethod() {
			if typ.Method(i).Name == f.method && !f.has(v) {
				out = append(out, fmt.Sprintf("its method %s is never called: that of %s is %s%s", f.method, f.of, f.method, f.text))
			}
		}
	}
	return out
}
