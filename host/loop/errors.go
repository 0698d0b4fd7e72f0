package loop

import (
	"errors"
	"fmt"
	"strings"
)

// The errors of publishing, beside the cause of a cancelled context, and of Run.
var (
	// ErrQueueFull means that the queue has no free place. The loop is behind: try
	// again later, or publish with a context that ends later.
	ErrQueueFull = errors.New("queue is full")
	// ErrLoopClosed means that the loop has ended: it folds nothing any more.
	ErrLoopClosed = errors.New("loop has ended")
	// ErrHandleClosed means that this handle was closed by its owner.
	ErrHandleClosed = errors.New("handle is closed")
	// ErrNoEvent means that a nil event was published.
	ErrNoEvent = errors.New("no event given")
	// ErrStarted means that Run was called a second time; a loop runs once.
	ErrStarted = errors.New("loop was started before; make a new one")
)

// AbandonedError means that the loop ended in good order, but that calls to probes or
// plugins did not return although their context was cancelled. Their goroutines were
// left behind.
type AbandonedError struct {
	// Calls names them: "health_probe:health-tcp", "kill-migration:9" …
	Calls []string
}

// Error implements error.
func (e *AbandonedError) Error() string {
	return fmt.Sprintf("loop ended, but %d calls did not return although they were cancelled, and were left behind: %s",
		len(e.Calls), strings.Join(e.Calls, ", "))
}
