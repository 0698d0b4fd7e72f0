package catalog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/host/catalog/answers"
)

// ask calls the plugin and returns what check leaves of its answer. It reports what
// check discards, and fails if check does.
func ask[Answer, Good any](
	ctx context.Context, s *slot, timeout time.Duration, method string,
	call func(context.Context, grpc.ClientConnInterface) (Answer, error),
	check func(Answer) (Good, answers.Discarded, error),
) (Good, error) {
	var out, none Good
	err := s.call(ctx, timeout, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		answer, err := call(ctx, conn)
		if err != nil {
			return err
		}
		good, bad, err := check(answer)
		if err != nil {
			return &CallError{
				Plugin: s.entry().Name, Method: method, Kind: ErrBadAnswer,
				Detail: err.Error() + "; its author has to fix that",
			}
		}
		s.reportDiscarded(method, bad)
		out = good
		return nil
	})
	if err != nil {
		return none, err // the call may still be under way and write to out
	}
	return out, nil
}

// reportDiscarded counts what was discarded from an answer. Each reason is reported once
// in the life of the catalog: most would come up again at every tick.
func (s *slot) reportDiscarded(what string, d answers.Discarded) {
	s.mu.Lock()
	fresh := s.discarded.Merge(d)
	s.mu.Unlock()
	if len(fresh) > 0 {
		s.opts.Failure(s.entry().Name, fmt.Sprintf("%s: discarded from its answer: %s; reported once, counted from now on; its author has to fix that",
			what, strings.Join(fresh, "; ")))
	}
}
