package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/meshos/meshos/internal/backoff"
	"github.com/meshos/meshos/pluginsdk"
)

// aborter asks the orchestrator to stop a migration.
type aborter struct {
	client   *client
	attempts int
}

const (
	// firstPause is how long to wait before connecting again. It doubles each time.
	firstPause = 100 * time.Millisecond
	// maxWait limits an abort with all its attempts.
	maxWait = 30 * time.Second
)

// abort posts the request. It posts it again only where that is safe and can help: when
// the orchestrator never saw it, or answered 503 with a Retry-After. All attempts carry
// the same Idempotency-Key, so that none is carried out twice.
func (a *aborter) abort(ctx context.Context, migration uint64, reason string) error {
	body, err := json.Marshal(struct {
		Reason string `json:"reason"`
	}{reason})
	if err != nil {
		return pluginsdk.Invalid(err)
	}
	path := "/v1/migrations/" + strconv.FormatUint(migration, 10) + "/abort"
	header := http.Header{"Idempotency-Key": {rand.Text()}}
	ctx, cancel := context.WithTimeout(ctx, patience(ctx))
	defer cancel()
	pauses := backoff.Doubling{First: firstPause, Max: maxWait}
	for attempt := 1; ; attempt++ {
		got, err := a.client.do(ctx, http.MethodPost, path, body, header)
		wait := pauses.After(attempt)
		var never unsent
		again := errors.As(err, &never)
		if err == nil {
			err = errorOf(got)
			wait = got.retryAfter
			again = got.status == http.StatusServiceUnavailable && wait > 0
		} else {
			err = pluginsdk.Unavailable(undelivered(err, again))
		}
		if err == nil {
			return nil
		}
		if !again || attempt == a.attempts || !sleep(ctx, wait) {
			return fmt.Errorf("abort of migration %d: POST %s%s: %w", migration, a.client.base, path, err)
		}
	}
}

// patience returns how long an abort may take: a little less than its caller waits,
// so that the caller learns why it failed.
func patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxWait
	}
	left := time.Until(deadline)
	return min(maxWait, left-left/20)
}

// undelivered adds to the error of a request what is known of the migration.
func undelivered(err error, unsent bool) error {
	if unsent {
		return fmt.Errorf("%w: the migration was not aborted", err)
	}
	return fmt.Errorf("%w: the migration may or may not be aborted; the list of migrations will show it", err)
}

// sleep waits for d and returns true. If the context ends before that, it returns false,
// at once if the context's deadline is known to be earlier.
func sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
