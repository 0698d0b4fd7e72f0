package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
)

// attachEvery is how often a follower looks whether the node is back.
const attachEvery = 500 * time.Millisecond

// follower follows a stream of a node that may be started again meanwhile.
type follower struct {
	node *nodeClient
	// away and back tell that the node is gone, and that it answers again.
	away, back func()
}

// newFollower returns a follower that says on stderr when the node is gone and when it is back.
func (a *app) newFollower(node *nodeClient) *follower {
	return &follower{
		node: node,
		away: func() { a.note("the node does not answer any more; this goes on when it is started again") },
		back: func() { a.note("the node answers again") },
	}
}

// follow opens a stream and calls visit with each message, until ctx ends or visit returns an
// error. When the stream ends although the node had answered, it is opened again as soon as
// the node is back.
func follow[M any](ctx context.Context, f *follower, open func(context.Context) (grpc.ServerStreamingClient[M], error), visit func(*M) error) error {
	for {
		streaming, stop := context.WithCancel(ctx)
		stream, err := open(streaming)
		var refused error // of visit
		err = receive(streaming, f.node, stream, err, func(m *M) error {
			refused = visit(m)
			return refused
		})
		stop()
		var silent *noAnswerError
		switch {
		case refused != nil:
			return refused
		case ctx.Err() != nil:
			return ctx.Err()
		case !f.node.answered, err != nil && !errors.As(err, &silent):
			return err
		}
		f.away()
		if err := f.await(ctx); err != nil {
			return err
		}
		f.back()
	}
}

// await waits until the node answers. The error is that of ctx.
func (f *follower) await(ctx context.Context) error {
	tick := time.NewTicker(attachEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		f.node.conn.ResetConnectBackoff()
		if _, err := f.node.snapshot(ctx); err == nil {
			return nil
		}
	}
}
