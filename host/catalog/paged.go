package catalog

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// pagedRPC is an rpc over a stream. It calls heard whenever the other side has taken or
// sent something, and returns the error of heard.
type pagedRPC func(ctx context.Context, conn grpc.ClientConnInterface, heard func() error) error

// pagedCall makes a streaming call that ends by itself. It is like call, but its timeout is
// for each page: how long the plugin may be silent. A plugin that is silent for longer lags
// until something comes or the stream ends. When ctx ends, so does the stream. The rpc may
// run on a moment after pagedCall has returned an error.
func (s *slot) pagedCall(ctx context.Context, patience time.Duration, method string, do pagedRPC) error {
	i, err := s.reserve(method, (*instance).unary)
	if err != nil {
		return err
	}
	c := s.newCall(i, method, patience)
	c.paged = true
	c.start(func(ctx context.Context, conn grpc.ClientConnInterface) error { return do(ctx, conn, c.heard) }, func() {
		<-i.tokens
		i.calls.Done()
	})
	select {
	case err := <-c.result:
		return err
	case <-ctx.Done():
		c.cancel()
		return &CallError{Plugin: s.entry().Name, Method: method, Kind: ctx.Err(), Detail: "the caller stopped waiting"}
	}
}

// heard notes that the plugin is not silent. The error says that this comes too late.
func (c *call) heard() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late {
		return context.DeadlineExceeded
	}
	c.lastHeard = time.Now()
	return nil
}
