package pluginsdk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// notices is a control sink that prints what daemons should know.
type notices struct{}

func newNotices(pluginsdk.Env, struct{}) (notices, error) { return notices{}, nil }

func (notices) Deliver(_ context.Context, event *pluginv1.ControlEvent) error {
	switch kind := event.GetKind().(type) {
	case *pluginv1.ControlEvent_DrainStart:
		fmt.Println("leave this node within", kind.DrainStart.GetGrace().AsDuration())
	case *pluginv1.ControlEvent_BackpressureOn:
		fmt.Println("slow down")
	}
	return nil // kinds that are added later pass by
}

func ExampleControlSink() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newNotices, struct{}{})
		fmt.Println(plugin.Deliver(&pluginv1.ControlEvent{Kind: &pluginv1.ControlEvent_DrainStart{
			DrainStart: &pluginv1.ControlEvent_Grace{Grace: durationpb.New(10 * time.Minute)},
		}}))
	})
	// Output:
	// leave this node within 10m0s
	// <nil>
}
