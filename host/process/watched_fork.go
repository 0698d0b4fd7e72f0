package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

func (w *watchedForker) fork(ctx context.Context, h *helperStart) (child, int, error) {
	for {
		c, err := w.forkOnce(ctx, h)
		switch {
		case err == nil:
			return c, c.handle.id.PID, nil
		case errors.Is(err, errWatcherGone) && ctx.Err() == nil:
			continue // with the next watcher
		case ctx.Err() != nil || errors.Is(err, ErrSpawnerClosed):
			return nil, 0, err
		}
		return nil, 0, &StartError{Path: h.path, Err: err}
	}
}

// errWatcherGone means that a watcher ended before it had answered.
var errWatcherGone = errors.New("the watcher was killed")

func (w *watchedForker) forkOnce(ctx context.Context, h *helperStart) (*watchedChild, error) {
	c, conn, err := w.ask(ctx, h)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(watcherPatience)
	defer timer.Stop()
	select {
	case err := <-c.started:
		return c, err
	case <-timer.C:
		w.replace(conn)
		err = fmt.Errorf("the watcher did not answer within %v", watcherPatience)
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-w.closed:
		err = ErrSpawnerClosed
	}
	w.giveUp(c)
	return nil, err
}

// ask asks the watcher for a child, once there is a watcher.
func (w *watchedForker) ask(ctx context.Context, h *helperStart) (*watchedChild, *messages, error) {
	w.mu.Lock()
	up := w.up
	w.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case <-w.closed:
		return nil, nil, ErrSpawnerClosed
	}
	w.mu.Lock()
	w.last++
	c := &watchedChild{w: w, id: w.last, lasting: h.lasting, started: make(chan error, 1), exited: make(chan Exit, 1), orphaned: make(chan struct{})}
	w.children[c.id] = c
	conn := w.conn
	w.mu.Unlock()
	fds := make([]int, len(h.files))
	for i, f := range h.files {
		fds[i] = int(f.Fd())
	}
	text, err := json.Marshal(request{ID: c.id, Args: h.args(), Lasting: h.lasting, Mark: h.mark})
	if err == nil {
		err = conn.send(text, watcherPatience, fds...)
	}
	if err == nil {
		return c, conn, nil
	}
	w.giveUp(c)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, os.ErrClosed) {
		select {
		case <-w.closed:
			return nil, nil, ErrSpawnerClosed
		default:
		}
		// The listener finds the same out, perhaps a moment later.
		return nil, nil, w.awaitDown(ctx, conn)
	}
	return nil, nil, fmt.Errorf("ask the watcher: %w", err)
}

// awaitDown waits until it is known that the watcher of a connection is gone.
func (w *watchedForker) awaitDown(ctx context.Context, conn *messages) error {
	tick := time.NewTicker(endPoll)
	defer tick.Stop()
	for {
		w.mu.Lock()
		down := w.conn != conn || !w.isUp()
		w.mu.Unlock()
		if down {
			return errWatcherGone
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.closed:
			return ErrSpawnerClosed
		}
	}
}

// isUp is called with mu held.
func (w *watchedForker) isUp() bool {
	select {
	case <-w.up:
		return true
	default:
		return false
	}
}

// giveUp has a child killed that nobody waits for, now or when it is started after all.
func (w *watchedForker) giveUp(c *watchedChild) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.givenUp = true
	if c.handle != nil {
		_ = c.signal(syscall.SIGKILL)
		c.handle.Close()
	}
}
