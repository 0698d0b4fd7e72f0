package plugins

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

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
	events *pluginEvents
	log    *slog.Logger
	ctx    context.Context // of all streams
	end    context.CancelFunc

	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func newSources(events *pluginEvents, log *slog.Logger) *sources {
	s := &sources{events: events, log: log}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// add begins to follow a source. remove ends that and does not wait for it.
func (s *sources) add(src eventSource) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return func() {}
	}
	ctx, cancel := context.WithCancel(s.ctx)
	s.all.Go(func() {
		defer cancel()
		s.follow(ctx, src)
	})
	return cancel
}

// close ends all streams and waits for them. After it add does nothing.
func (s *sources) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.all.Wait()
}

// follow reads the streams of one source until ctx or the loop ends. An outage is one
// failure record, however often the stream breaks in it; it is over when a stream has
// lasted. A source that ended its stream without an error is asked again when its
// process or its configuration is another one.
func (s *sources) follow(ctx context.Context, src eventSource) {
	title, broken, reported := "event_source:"+src.Name(), 0, false
	for ctx.Err() == nil {
		renewed, began, resumed := src.Renewed(), time.Now(), false
		err := src.Stream(ctx, func(ctx context.Context, events []answers.Event) error {
			if reported && !resumed {
				resumed = true
				s.log.Info("an event source streams again", "plugin", src.Name())
			}
			return s.events.take(ctx, title, events)
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
			s.events.report(title, "its stream broke and is opened again: "+err.Error())
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
