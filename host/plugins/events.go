package plugins

import (
	"context"
	"fmt"
	"sync"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// Intake is the way in for the events and commands of plugins; an intake.Client is one.
type Intake interface {
	PublishBatch(ctx context.Context, events []mesh.Event) (int, error)
	Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error)
}

// pluginEvents brings the events of plugins to the intake, in order. A plugin whose
// events find no room is held up until there is some.
type pluginEvents struct {
	intake Intake
	report func(source, reason string)

	mu       sync.Mutex
	reported map[string]bool // sources with an event that was left out
}

// take takes events of a source. The error says how many of them were not taken, and
// wraps why: the loop has ended, or ctx has.
func (e *pluginEvents) take(ctx context.Context, source string, events []answers.Event) error {
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

// next takes one signed command, or all events before the next one, or leaves out one
// event that is too large. It returns how many that was.
func (e *pluginEvents) next(ctx context.Context, source string, events []answers.Event) (int, error) {
	if events[0].Signed != nil {
		// Its audit record tells what became of it; the plugin does not ask.
		if _, err := e.intake.Commit(ctx, *events[0].Signed); err != nil {
			return 0, err
		}
		return 1, nil
	}
	if err := loop.Fits(events[0].Event); err != nil {
		e.leftOut(source, err)
		return 1, nil
	}
	var run []mesh.Event
	for _, heard := range events {
		if heard.Signed != nil || loop.Fits(heard.Event) != nil {
			break
		}
		run = append(run, heard.Event)
	}
	return e.intake.PublishBatch(ctx, run)
}

// leftOut reports once of each source that it brings events which can't be taken.
func (e *pluginEvents) leftOut(source string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reported == nil {
		e.reported = make(map[string]bool)
	}
	if !e.reported[source] {
		e.reported[source] = true
		e.report(source, fmt.Sprintf("an event was left out: %v; further ones are not reported", err))
	}
}
