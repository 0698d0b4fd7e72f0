package engine

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/meshos/meshos/plugins/mesh-nats/internal/chains"
)

// Run makes a change to its end, and returns why it is not done. When ctx ends, a change that
// the engine has taken is left as it is: who leads the stream then goes on with it. Each is
// called after each look, to show how far it is.
func (c *Client) Run(ctx context.Context, m *chains.Move, config *server.StreamConfig, each func(*chains.Move)) error {
	for {
		s := m.Next()
		if s.End {
			return m.Err()
		}
		if !waitUntil(ctx, s.At) {
			return context.Cause(ctx)
		}
		if s.Ask != chains.AskInfo {
			m.Answered(time.Now(), c.Do(ctx, m, s.Ask, config))
			continue
		}
		switch i, err := c.Info(ctx, m.Stream); {
		case err == nil:
			m.Heard(time.Now(), i)
		case errors.Is(err, ErrNoStream):
			m.Missing(time.Now())
		default:
			m.Silent(time.Now())
		}
		if each != nil {
			each(m)
		}
	}
}

// waitUntil waits, and reports whether ctx has not ended.
func waitUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
