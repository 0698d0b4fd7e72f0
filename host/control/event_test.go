package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/control"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Core 10 to 14, CTL-01 to CTL-04.
func TestEventsAsProto(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name string
		in   control.Event
		want string
	}{
		{"core 10, CTL-01: what is left", control.Event{Kind: control.Shutdown, Deadline: now.Add(2500 * time.Millisecond)}, `{"shutdown":{"grace":"2.5s"}}`},
		{"core 11: a deadline that is past", control.Event{Kind: control.DrainStart, Deadline: now.Add(-time.Second)}, `{"drain_start":{"grace":"0s"}}`},
		{"a drain", control.Event{Kind: control.DrainStart, Deadline: now.Add(time.Minute)}, `{"drain_start":{"grace":"60s"}}`},
		{"CTL-03: the level as it is", control.Event{Kind: control.BackpressureOn, Level: 0.75}, `{"backpressure_on":0.75}`},
		{"the level is not clamped here", control.Event{Kind: control.BackpressureOn, Level: 1.5}, `{"backpressure_on":1.5}`},
		{"core 13, CTL-04", control.Event{Kind: control.DrainFinish}, `{"drain_finish":{}}`},
		{"core 14, CTL-04", control.Event{Kind: control.BackpressureOff}, `{"backpressure_off":{}}`},
	} {
		var want pluginv1.ControlEvent
		if err := protojson.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := c.in.Proto(now); !proto.Equal(got, &want) {
			t.Errorf("%s: %v, want %v", c.name, got, &want)
		}
	}
}

func TestKindsHaveTheNamesOfTheContract(t *testing.T) {
	var names []string
	for k := control.Shutdown; k <= control.BackpressureOff+1; k++ {
		names = append(names, fmt.Sprint(k))
	}
	if got := strings.Join(names, " "); got != "shutdown drain_start drain_finish backpressure_on backpressure_off unknown" {
		t.Error(got)
	}
}
