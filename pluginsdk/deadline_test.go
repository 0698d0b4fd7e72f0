package pluginsdk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// The gRPC deadline of a host is later than the time that it waits. For an author the
// header counts.
func TestTheContextEndsWhenTheCallerStopsWaiting(t *testing.T) {
	left := make(chan time.Duration, 1)
	plugin := plugintest.Start(t, always(&probe{
		sample: func(ctx context.Context, _ []pluginsdk.Peer) ([]pluginsdk.RTTSample, error) {
			deadline, _ := ctx.Deadline()
			left <- time.Until(deadline)
			if time.Until(deadline) > time.Second {
				return nil, nil
			}
			<-ctx.Done()
			return nil, errors.New("gave up in time")
		},
	}), none{})
	for _, c := range []struct {
		header       string
		least, most  time.Duration
		code         codes.Code
		whatTheySaid string
	}{
		{"30", -time.Hour, 30 * time.Millisecond, codes.Unknown, "gave up in time"},
		{"5000", time.Second, 5 * time.Second, codes.OK, ""},
		{"3600000", 10 * time.Second, time.Minute, codes.OK, ""}, // never later than gRPC's
		{"", 10 * time.Second, time.Minute, codes.OK, ""},
		{"soon", 10 * time.Second, time.Minute, codes.OK, ""},
		{"0", 10 * time.Second, time.Minute, codes.OK, ""},
		{"-5", 10 * time.Second, time.Minute, codes.OK, ""},
		{"9223372036854775807", 10 * time.Second, time.Minute, codes.OK, ""},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if c.header != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, wire.TimeoutHeader, c.header)
		}
		_, err := pluginv1.NewLocalityProbeClient(plugin.Conn()).SampleRtt(ctx, &pluginv1.SampleRequest{})
		cancel()
		wantError(t, err, c.code, c.whatTheySaid)
		if d := <-left; d < c.least || d > c.most {
			t.Errorf("header %q: the author has %v, want %v … %v", c.header, d, c.least, c.most)
		}
	}
}
