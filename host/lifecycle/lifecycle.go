package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// ErrEnd is what a part's Run returns to end all parts in order without an error.
var ErrEnd = errors.New("it was asked to")

// ErrAborted is returned when not even an orderly end was waited for.
var ErrAborted = errors.New("ended at once: the log names what is left behind")

// Run starts the parts in the order of the list and waits until ctx ends or a part
// returns an error. Then it ends them in reverse order, within total, which has to be
// at least the sum of the limits. It returns that error, or nil for ErrEnd and for
// the end of ctx. A part that is not done at its deadline is logged and left behind;
// an error that a part returns while it ends is logged. When abort is closed, nothing
// more is waited for, and the error is ErrAborted.
func Run(ctx context.Context, log *slog.Logger, total time.Duration, abort <-chan struct{}, parts []Part) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	ends := make([]func(time.Duration, error, <-chan struct{}) error, len(parts))
	for i, part := range parts {
		ends[i] = start(context.WithoutCancel(ctx), part, end)
		total -= part.Limit
	}
	<-ctx.Done()
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		cause = ErrEnd
	}
	log.Info("node ends", "why", cause)
	ending := time.Now()
	for i := len(parts) - 1; i >= 0; i-- {
		part, limit, began := parts[i], parts[i].Limit, time.Now()
		if part.Rest {
			limit += max(0, total)
		}
		if err := ends[i](limit, cause, abort); err != nil {
			log.Error("a part of the node did not end as it should", "part", part.Name, "limit", limit.Round(time.Millisecond), "error", err)
		}
		total += part.Limit - time.Since(began)
	}
	log.Info("node ended", "took", time.Since(ending).Round(time.Millisecond))
	select {
	case <-abort:
		return ErrAborted
	default:
	}
	if errors.Is(cause, ErrEnd) {
		return nil
	}
	return cause
}

// start runs a part and returns the function that ends it.
func start(ctx context.Context, part Part, failed func(error)) (end func(time.Duration, error, <-chan struct{}) error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		err := part.Run(ctx)
		if err != nil {
			failed(err) // only the first one counts
		}
		done <- err
	}()
	return func(limit time.Duration, cause error, abort <-chan struct{}) error {
		ending, stop := context.WithTimeout(context.Background(), limit)
		defer stop()
		defer cancel()
		stopped := make(chan error, 1)
		go func() {
			if part.Stop != nil {
				part.Stop(ending)
			}
			cancel()
			stopped <- <-done
		}()
		select {
		case err := <-stopped:
			if errors.Is(err, context.Canceled) || errors.Is(cause, err) {
				return nil // it is the end, or what the end is for
			}
			return err
		case <-ending.Done():
			return errors.New("it is not done in time, and is left behind")
		case <-abort:
			return errors.New("it is left behind: an end at once was asked for")
		}
	}
}
