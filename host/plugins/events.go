package plugins

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/intake"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
)

// Intake is the way in for the events and commands of one source; an intake.Client is one.
type Intake interface {
	PublishBatch(ctx context.Context, events []mesh.Event) (mesh.Published, error)
	Commit(ctx context.Context, signed wire.Signed) (mesh.AuditRecord, error)
}

// pluginEvents brings the events of plugins to the intake, in order. A plugin whose
// events find no room is held up until there is some.
type pluginEvents struct {
	// client returns the intake of a source: a plugin in the role of one kind.
	client func(kind, plugin string) Intake
	report func(source, reason string)

	mu       sync.Mutex
	reported map[string]bool // "source kind" of what was left out or refused
}

// from returns what takes the events that a plugin brings in the role of one kind.
func (e *pluginEvents) from(kind, plugin string) *eventTaker {
	return &eventTaker{pluginEvents: e, source: kind + ":" + plugin, intake: e.client(kind, plugin)}
}

// eventTaker takes the events of one source.
type eventTaker struct {
	*pluginEvents
	source string
	intake Intake
}

// take takes events. The error says how many of them were not taken, and wraps why: the
// loop has ended, or ctx has.
func (e *eventTaker) take(ctx context.Context, events []answers.Event) error {
	all, taken := len(events), 0
	for len(events) > 0 {
		n, err := e.next(ctx, events)
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
func (e *eventTaker) next(ctx context.Context, events []answers.Event) (int, error) {
	if events[0].Signed != nil {
		record, err := e.intake.Commit(ctx, *events[0].Signed)
		if err != nil {
			return 0, err
		}
		if record.Outcome.Verdict == mesh.VerdictRejected {
			e.refused("signed_commit", record.Outcome)
		}
		return 1, nil
	}
	if err := loop.Fits(events[0].Event); err != nil {
		e.reportOnce("size", fmt.Sprintf("an event was left out: %v; further ones are not reported", err))
		return 1, nil
	}
	var run []mesh.Event
	for _, heard := range events {
		if heard.Signed != nil || loop.Fits(heard.Event) != nil {
			break
		}
		run = append(run, heard.Event)
	}
	result, err := e.intake.PublishBatch(ctx, run)
	for _, r := range result.Refused {
		e.refused(mesh.EventKind(run[r.Index]), r.Verdict)
	}
	return result.Taken + len(result.Refused), err
}

// refused reports once of each source and kind that its events are refused.
func (e *eventTaker) refused(kind string, verdict mesh.Verification) {
	if verdict.Kind != intake.KindLogBudget { // the log says that
		e.reportOnce(kind, fmt.Sprintf("a %s was refused: %s: %s; further ones are not reported", kind, verdict.Kind, verdict.Message))
	}
}

// reportOnce reports once of each source what is wrong with its events.
func (e *eventTaker) reportOnce(what, text string) {
	e.mu.Lock()
	if e.reported == nil {
		e.reported = make(map[string]bool)
	}
	key := e.source + " " + what
	known := e.reported[key]
	e.reported[key] = true
	e.mu.Unlock()
	if !known {
		e.report(e.source, text)
	}
}

// untilCommand splits events before the first that may have to wait for the record of a
// command.
func untilCommand(events []answers.Event) (facts, rest []answers.Event) {
	i := slices.IndexFunc(events, func(heard answers.Event) bool {
		_, command := heard.Event.(mesh.AdminReceived)
		return heard.Signed != nil || command
	})
	if i < 0 {
		return events, nil
	}
	return events[:i], events[i:]
}
