package plugins

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/internal/backoff"
)

// lasted is how long a stream has to go on for the outage before it to be over.
const lasted = 10 * time.Second

// resume returns how long to wait before a stream that broke is opened again.
func resume(broken int) time.Duration {
	return backoff.Doubling{First: 100 * time.Millisecond, Max: 10 * time.Second}.After(broken)
}

// eventSource is a plugin that streams events.
type eventSource interface {
	Name() string
	Renewed() <-chan struct{}
	Stream(ctx context.Context, take func(ctx context.Context, events []answers.Event) error) error
}

// sources brings the streams of event sources to the intake, each in a goroutine of
// its own, and opens those again that break.
type sources struct {
	events  *pluginEvents
	log     *slog.Logger
	streams background
}

// add begins to follow a source. remove ends that and does not wait for it. Once the
// background is closed add does nothing.
func (s *sources) add(src eventSource) (remove func()) {
	following, cancel := context.WithCancel(context.Background())
	s.streams.start(func(ctx context.Context) {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(following, end)()
		s.follow(ctx, src)
	})
	return cancel
}

// follow reads the streams of one source until ctx or the loop ends. An outage is one
// failure record, however often the stream breaks in it; it is over when a stream has
// lasted. A source that ended its stream without an error is asked again when its
// process or its configuration is another one.
func (s *sources) follow(ctx context.Context, src eventSource) {
	events, broken, reported := s.events.from(catalog.KindEventSource, src.Name()), 0, false
	for ctx.Err() == nil {
		renewed, began, resumed := src.Renewed(), time.Now(), false
		err := src.Stream(ctx, func(ctx context.Context, batch []answers.Event) error {
			if reported && !resumed {
				resumed = true
				s.log.Info("an event source streams again", "plugin", src.Name())
			}
			return events.take(ctx, batch)
		})
		if time.Since(began) >= lasted {
			broken, reported = 0, false
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, loop.ErrLoopClosed), errors.Is(err, loop.ErrHandleClosed):
			return
		case err == nil:
			s.log.Info("an event source has ended its stream", "plugin", src.Name())
			reported = false
			select {
			case <-renewed:
			case <-ctx.Done():
			}
			continue
		case !reported:
			reported = true
			events.report(events.source, "its stream broke and is opened again: "+err.Error())
		}
		pause := time.NewTimer(resume(broken + 1))
		select {
		case <-renewed:
		case <-pause.C:
			broken++
		case <-ctx.Done():
		}
		pause.Stop()
	}
}
