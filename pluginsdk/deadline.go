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
	limit, found := callerTimeout(ctx)
	if !found {
		return ctx, func() {}
	}
	c := &callContext{caller: ctx, deadline: time.Now().Add(limit)}
	return c, c.end
}

// callerTimeout returns the time in wire.TimeoutHeader.
func callerTimeout(ctx context.Context) (limit time.Duration, found bool) {
	values := metadata.ValueFromIncomingContext(ctx, wire.TimeoutHeader)
	if len(values) == 0 {
		return 0, false
	}
	ms, err := strconv.ParseInt(values[len(values)-1], 10, 64)
	if err != nil || ms <= 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

// silence ends the context of a stream whose caller has heard nothing for the time in
// wire.TimeoutHeader.
type silence struct {
	timer  *time.Timer // nil without a limit
	limit  time.Duration
	cancel context.CancelCauseFunc
}

// silenceLimit begins to watch for silence, until end.
func (s *Server) silenceLimit(ctx context.Context) (context.Context, *silence) {
	limit, found := callerTimeout(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	out := &silence{limit: limit, cancel: cancel}
	if found && !s.noDeadlines {
		out.timer = time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	}
	return ctx, out
}

// broken notes that the caller has heard something.
func (s *silence) broken() {
	if s.timer != nil {
		s.timer.Reset(s.limit)
	}
}

func (s *silence) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.cancel(nil)
}
