package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// ear brings what plugins say to the loop, in order, and waits for room: whoever
// waits for it is held up by a loop that is behind.
type ear struct {
	out interface {
		PublishBatch(ctx context.Context, evs []mesh.Event) (int, error)
		Commit(ctx context.Context, c mesh.JudgedCommit) error
	}
	judge  func(wire.Signed) (mesh.JudgedCommit, error)
	report func(source, reason string)

	mu     sync.Mutex
	refuse map[string]bool // by source and what it was: what was left out and told
}

// hear takes events of a source. The error says how many of them were not taken,
// and wraps why: the loop has ended, or ctx has.
func (e *ear) hear(ctx context.Context, source string, events []answers.Event) error {
	all, taken := len(events), 0
	for len(events) > 0 {
		n, err := e.next(ctx, source, events)
		taken += n
		if err != nil {
			return fmt.Errorf("%d of %d events were not taken: %w", all-taken, all, err)
		}
		events = events[n:]
	}
	return nil
}

// next takes one signed commit, or all events before the next one, or leaves out one
// event that is too large.
func (e *ear) next(ctx context.Context, source string, events []answers.Event) (int, error) {
	if events[0].Signed != nil {
		commit, err := e.judge(*events[0].Signed)
		if err != nil {
			e.refused(source, "a signed commit", err)
			return 1, nil
		}
		if err := e.out.Commit(ctx, commit); err != nil {
			return 0, err
		}
		return 1, nil
	}
	if err := loop.Fits(events[0].Event); err != nil {
		e.refused(source, "an event", err)
		return 1, nil
	}
	var run []mesh.Event
	for _, heard := range events {
		if heard.Signed != nil || loop.Fits(heard.Event) != nil {
			break
		}
		run = append(run, heard.Event)
	}
	return e.out.PublishBatch(ctx, run)
}

// refused tells once of each source that it brings what can't be taken.
func (e *ear) refused(source, what string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse == nil {
		e.refuse = make(map[string]bool)
	}
	if key := source + " " + what; !e.refuse[key] {
		e.refuse[key] = true
		e.report(source, fmt.Sprintf("%s was left out: %v; told once", what, err))
	}
}
