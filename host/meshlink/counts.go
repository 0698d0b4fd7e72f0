package meshlink

import (
	"context"
	"errors"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// endCounts counts how questions ended.
type endCounts struct{ answered, failed, refused, canceled atomic.Uint64 }

// add counts a question that ended with an error, nil for none; ctx is that of the question.
func (c *endCounts) add(ctx context.Context, err error) {
	switch {
	case err == nil:
		c.answered.Add(1)
	case errors.Is(ctx.Err(), context.Canceled), status.Code(err) == codes.Canceled:
		c.canceled.Add(1)
	default:
		c.failed.Add(1)
	}
}

// Asked returns how this node's questions to others ended, by result, and how many are under
// way.
func (l *Link) Asked() (ended map[string]uint64, underWay int) {
	return map[string]uint64{
		"answered": l.asked.answered.Load(), "failed": l.asked.failed.Load(), "busy": l.asked.refused.Load(), "canceled": l.asked.canceled.Load(),
	}, len(l.asking)
}

// Served returns how the questions of others to this node ended, by result.
func (l *Link) Served() map[string]uint64 {
	return map[string]uint64{
		"answered": l.served.answered.Load(), "failed": l.served.failed.Load(), "refused": l.served.refused.Load(), "canceled": l.served.canceled.Load(),
	}
}
