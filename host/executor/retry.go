package executor

import (
	"errors"
	"time"
)

// maxRetryAfter bounds how long a dispatcher may defer an action: the time may come from a
// plugin, and no other action of the same key is begun meanwhile.
const maxRetryAfter = 10 * time.Minute

// RetryLater is implemented by a Dispatcher's error if the action is worth another try.
// Every other error is final.
type RetryLater interface {
	error
	// RetryAfter returns the time before which the action is not tried again. If it is
	// not positive, the error is final.
	RetryAfter() time.Duration
}

// retryAfter returns the time that an error asks for, or 0 if it is final.
func retryAfter(err error) time.Duration {
	var later RetryLater
	if !errors.As(err, &later) {
		return 0
	}
	return min(max(0, later.RetryAfter()), maxRetryAfter)
}
