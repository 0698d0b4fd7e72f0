package catalog

import (
	"context"

	"google.golang.org/grpc"
)

// stream is the way of every stream of a plugin: like call it is refused at once
// when the plugin takes none, counted and guarded against panics, but it has no
// timeout and never lags. do must return when its ctx ends, which it does with
// the caller's, and when the process is freed. What a process streamed before it
// died is still read, for at most lastEvents.
func (s *slot) stream(ctx context.Context, method string, do func(ctx context.Context, conn grpc.ClientConnInterface) error) (err error) {
	i, err := s.begin(method, (*instance).open)
	if err != nil {
		return err
	}
	defer i.streams.Done()
	defer func() { <-i.slots }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(i.ctx, cancel)()
	err = s.explain(i, method, s.guard(method, func() error { return do(ctx, i.conn) }))
	if err != nil {
		s.mu.Lock()
		s.stats.failures++
		s.mu.Unlock()
	}
	return err
}
