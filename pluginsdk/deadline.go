package pluginsdk

import (
	"context"
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// untilCallerLeaves ends a call's context when the time in TimeoutHeader is over.
// A host puts the deadline that counts there: the one of gRPC is later, since the
// return of a late call is how the host learns that the plugin lives. A header
// that is missing or makes no sense changes nothing.
func untilCallerLeaves(ctx context.Context) (context.Context, context.CancelFunc) {
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
