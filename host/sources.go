package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/loop"
)

// How long to wait before a broken stream is taken up again: doubling from the
// first to the last, and from the beginning after one that lasted.
const (
	firstResume = 100 * time.Millisecond
	lastResume  = 10 * time.Second
	lasted      = 10 * time.Second
)

// eventSource is a plugin that streams events.
type eventSource interface {
	Name() string
	Renewed() <-chan struct{}
	Stream(ctx context.Context, take func(ctx context.Context, events []answers.Event) error) error
}

// sources brings the streams of event sources to the loop, each in a goroutine of
// its own, and takes up again those that break.
type sources struct {
	ear *ear
	log *slog.Logger
	ctx context.Context // of all streams
	end context.CancelFunc

	mu     sync.Mutex
	closed bool
	all    sync.WaitGroup
}

func newSources(e *ear, log *slog.Logger) *sources {
	s := &sources{ear: e, log: log}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// add begins to listen to a source. remove ends that and does not wait for it.
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

// close ends all streams and waits for them. Nothing can be added any more.
func (s *sources) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.all.Wait()
}

// follow listens to one source until ctx or the loop ends. An outage is one failure
// record, however often the stream breaks in it; it is over when a stream has
// lasted. A source that has said all is asked again when it is another one.
func (s *sources) follow(ctx context.Context, src eventSource) {
	title, out, wait := "event_source:"+src.Name(), false, firstResume
	for ctx.Err() == nil {
		renewed, began, resumed := src.Renewed(), time.Now(), false
		err := src.Stream(ctx, func(ctx context.Context, events []answers.Event) error {
			if out && !resumed {
				resumed = true
				s.log.Info("an event source is heard again", "plugin", src.Name())
			}
			return s.ear.hear(ctx, title, events)
		})
		if time.Since(began) >= lasted {
			out, wait = false, firstResume
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, loop.ErrLoopClosed), errors.Is(err, loop.ErrHandleClosed):
			return
		case err == nil:
			s.log.Info("an event source has said all it had to say", "plugin", src.Name())
			out = false
			select {
			case <-renewed:
			case <-ctx.Done():
			}
			continue
		case !out:
			out = true
			s.ear.report(title, "its stream broke and is taken up again: "+err.Error())
		}
		pause := time.NewTimer(wait)
		select {
		case <-renewed:
		case <-pause.C:
			wait = min(2*wait, lastResume)
		case <-ctx.Done():
		}
		pause.Stop()
	}
}
