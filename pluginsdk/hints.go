package pluginsdk

import (
	"fmt"
	"io"
	"reflect"
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
		{KindLocalityProbe, "SampleRTT", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.RTTSample, error)", is[LocalityProbe]},
		{KindHealthProbe, "SampleHealth", "(context.Context, []pluginsdk.Peer) ([]pluginsdk.HealthSample, error)", is[HealthProbe]},
		{KindInventoryProbe, "SampleInventory", "(context.Context) ([]*meshosv1.PeerInventory, error)", is[InventoryProbe]},
		{KindPlacementScorer, "Score", "(context.Context, pluginsdk.View) ([]*meshosv1.ChainScore, error)", is[PlacementScorer]},
		{KindMigrationAborter, "Abort", "(context.Context, uint64, string) error", is[MigrationAborter]},
		{KindMigrationSource, "ListMigrations", "(context.Context) ([]*meshosv1.MigrationView, error)", is[MigrationSource]},
		{KindChainAppender, "Append", "(context.Context, []*meshosv1.Record) error", is[ChainAppender]},
		{KindActuator, "Dispatch", "(context.Context, uint64, *meshosv1.Action) ([]*meshosv1.Event, error)", is[Actuator]},
		{KindEventSource, "Events", "(context.Context, func([]*meshosv1.Event) error) error", is[EventSource]},
		{KindRecoveryHandler, "Recover", "(context.Context, []uint64) ([]uint32, []*meshosv1.Event, error)", is[RecoveryHandler]},
		{KindControlSink, "Deliver", "(context.Context, *pluginv1.ControlEvent) error", is[ControlSink]},
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
