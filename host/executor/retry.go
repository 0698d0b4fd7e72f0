package executor

import (
	"errors"
	"time"
)

// longestRetry bounds how long a dispatcher may put an action off: what it says
// comes from a plugin, and nobody else may do the same meanwhile.
const longestRetry = 10 * time.Minute

// RetryLater is what a Dispatcher's error may be: the action is worth another try,
// no sooner than after that time. Every other error is final, and so is a time that
// is not positive.
type RetryLater interface {
	error
	RetryAfter() time.Duration
}

// retryAfter gives the time an error asks for, or 0 when it is final.
func retryAfter(err error) time.Duration {
	var later RetryLater
	if !errors.As(err, &later) {
		return 0
	}
	return min(max(0, later.RetryAfter()), longestRetry)
}
