package catalog

import (
	"context"
)

// stream makes a streaming call. Like call it is refused at once if the plugin takes no
// calls, counted, and guarded against panics; but it has no timeout and never makes the
// plugin lag. do has to return when its ctx ends, which it does with the caller's ctx and
// when the process is freed. What a process sent before it died is still read, for at
// most streamGrace.
func (s *slot) stream(ctx context.Context, method string, do doer) error {
	i, err := s.reserve(method, (*instance).streaming)
	if err != nil {
		return err
	}
	defer i.streams.Done()
	defer func() { <-i.tokens }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(i.ctx, cancel)()
	err = s.classify(i, method, s.guarded(method, func() error { return do(ctx, i.conn) }))
	if err != nil {
		s.mu.Lock()
		s.stats.failures++
		s.mu.Unlock()
	}
	return err
}
