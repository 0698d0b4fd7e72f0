package catalog

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// keepalive calls a process that was idle for KeepaliveEvery, so that one that hangs is
// found before it is needed. Any answer will do, even the one that it does not serve the
// call. It returns after how long it has to be called again.
func (s *slot) keepalive(i *instance) time.Duration {
	every := s.opts.KeepaliveEvery
	if i.pending.Load() > 0 {
		return every // the call in flight shows whether the process lives
	}
	if idle := time.Since(i.idleSince()); idle < every {
		return every - idle
	}
	i.touch(time.Now())
	i.calls.Add(1)
	c := s.newCall(i, "Health.Check", s.pollTimeout())
	c.internal = true
	c.start(func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
		return err
	}, i.calls.Done)
	return every
}
