package readfile

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxHung bounds how many calls may hang in the kernel at once: each has a thread.
const maxHung = 256

// hanging are the calls of this process that nobody waits for any more. It is one for the
// process, as its threads are.
var hanging struct {
	sync.Mutex
	paths map[string]*hung
	count int
}

// hung are the calls for one path.
type hung struct {
	calls int
	since time.Time // the first of them began; zero once one has used up its time
}

// hungAfter is how long a call that was given up must have taken for its path to be one that
// hangs: whoever gave it up may have had no time at all.
const hungAfter = 100 * time.Millisecond

// wait calls f in a goroutine and waits for it that long, or until ctx ends. The result of a
// call that nobody waits for any more goes to drop, if that is not nil.
func wait[T any](ctx context.Context, path string, within time.Duration, f func() (T, error), drop func(T)) (T, error) {
	var none T
	if hangs(path) {
		return none, &HungError{Path: path, After: within}
	}
	type result struct {
		value T
		err   error
	}
	var mu sync.Mutex
	givenUp := false
	done := make(chan result, 1)
	began := time.Now()
	go func() { // the caller waits, or the list of those that hang has it
		value, err := f()
		mu.Lock()
		defer mu.Unlock()
		if !givenUp {
			done <- result{value, err}
			return
		}
		if err == nil && drop != nil {
			drop(value)
		}
		unhang(path)
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.value, r.err
	case <-timer.C:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	select {
	case r := <-done: // just in time
		return r.value, r.err
	default:
	}
	givenUp = true
	if ctx.Err() != nil {
		hang(path, began)
		return none, giveUp(ctx, path)
	}
	hang(path, time.Time{})
	return none, &HungError{Path: path, After: within}
}

// giveUp returns the error of a call that nobody waits for since ctx has ended.
func giveUp(ctx context.Context, path string) error {
	return fmt.Errorf("%s: its file system has not answered yet: %w", path, context.Cause(ctx))
}

func hangs(path string) bool {
	hanging.Lock()
	defer hanging.Unlock()
	h := hanging.paths[path]
	return h != nil && time.Since(h.since) >= hungAfter || hanging.count >= maxHung
}

// hang notes that nobody waits for a call any more, which began then.
func hang(path string, began time.Time) {
	hanging.Lock()
	defer hanging.Unlock()
	if hanging.paths == nil {
		hanging.paths = make(map[string]*hung)
	}
	h := hanging.paths[path]
	if h == nil {
		h = &hung{since: began}
		hanging.paths[path] = h
	}
	if began.Before(h.since) {
		h.since = began
	}
	h.calls++
	hanging.count++
}

// unhang notes that such a call has returned after all.
func unhang(path string) {
	hanging.Lock()
	defer hanging.Unlock()
	hanging.count--
	if h := hanging.paths[path]; h != nil {
		if h.calls--; h.calls == 0 {
			delete(hanging.paths, path)
		}
	}
}
