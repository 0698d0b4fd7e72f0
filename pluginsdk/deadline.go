package pluginsdk

import (
	"context"
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// withCallerTimeout ends a call's context when the time in wire.TimeoutHeader is over.
// That is the deadline that counts. The deadline of gRPC is later: from the return of a
// late call the host learns that the plugin is alive. A header that is missing or
// can't be parsed changes nothing.
func withCallerTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	values := metadata.ValueFromIncomingContext(ctx, wire.TimeoutHeader)
	if len(values) == 0 {
		return ctx, func() {}
	}
	ms, err := strconv.ParseInt(values[len(values)-1], 10, 64)
	if err != nil || ms <= 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
}
