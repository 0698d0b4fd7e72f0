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
	paths map[string]int
	count int
}

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
		hang(path, -1)
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
	hang(path, 1)
	if ctx.Err() != nil {
		return none, giveUp(ctx, path)
	}
	return none, &HungError{Path: path, After: within}
}

// giveUp returns the error of a call that nobody waits for since ctx has ended.
func giveUp(ctx context.Context, path string) error {
	return fmt.Errorf("%s: its file system has not answered yet: %w", path, context.Cause(ctx))
}

func hangs(path string) bool {
	hanging.Lock()
	defer hanging.Unlock()
	return hanging.paths[path] > 0 || hanging.count >= maxHung
}

func hang(path string, n int) {
	hanging.Lock()
	defer hanging.Unlock()
	if hanging.paths == nil {
		hanging.paths = make(map[string]int)
	}
	hanging.count += n
	if hanging.paths[path] += n; hanging.paths[path] == 0 {
		delete(hanging.paths, path)
	}
}
