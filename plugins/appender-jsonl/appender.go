package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/meshos/meshos/pluginsdk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// appender stores records: it sorts them by chain and owns the folder's lock.
type appender struct {
	env    pluginsdk.Env
	dir    string
	order  []*chain // audit, log, failure, action
	chains map[string]*chain

	locked chan struct{} // closed once the lock is held
	lock   *folderLock   // written before locked is closed
}

// How long the constructor waits for a process that is just ending and still holds the
// lock, and how often it tries.
const (
	lockWait = time.Second
	lockPoll = 20 * time.Millisecond
)

func construct(env pluginsdk.Env, cfg config) (*appender, error) {
	dir, err := cfg.folder(env.DataDir)
	if err != nil {
		return nil, pluginsdk.Invalid(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, pluginsdk.Invalid(fmt.Errorf("dir: %w", err))
	}
	a := newAppender(env, dir, cfg, folder(dir))
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	switch err := a.acquire(ctx, false); {
	case errors.Is(err, errOurs):
		// A new configuration: the instance before this one ends after this
		// constructor. Run waits for it.
	case err != nil:
		return nil, pluginsdk.Unavailable(fmt.Errorf("dir: %w", err))
	default:
		if err := a.open(); err != nil {
			return nil, pluginsdk.Unavailable(errors.Join(err, a.Close()))
		}
	}
	for _, c := range a.order {
		c.running = true
	}
	return a, nil
}

// open reads the files of all chains, concurrently: they may be large.
func (a *appender) open() error {
	errs := make([]error, len(a.order))
	var wg sync.WaitGroup
	for i, c := range a.order {
		wg.Go(func() { errs[i] = c.open() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func newAppender(env pluginsdk.Env, dir string, cfg config, d disk) *appender {
	a := &appender{env: env, dir: dir, chains: map[string]*chain{}, locked: make(chan struct{})}
	for _, name := range []string{chainAudit, chainLog, chainFailure, chainAction} {
		c := newChain(name, d, cfg.limits(name), env.Log)
		a.order = append(a.order, c)
		a.chains[name] = c
	}
	return a
}

// acquire takes the lock. It tries until ctx ends. If this process holds the lock already,
// it keeps trying only if patient, and else returns errOurs.
func (a *appender) acquire(ctx context.Context, patient bool) error {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		lock, err := lockFolder(a.dir)
		if err == nil {
			a.lock = lock
			close(a.locked)
			return nil
		}
		if errors.Is(err, errOurs) && !patient {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-poll.C:
		}
	}
}

// Run takes the lock if the constructor could not, because the instance before this one
// still held it.
func (a *appender) Run(ctx context.Context) error {
	select {
	case <-a.locked:
		return nil
	default:
	}
	if err := a.acquire(ctx, true); err != nil && ctx.Err() == nil {
		return fmt.Errorf("dir: %w", err)
	}
	return nil
}

// Append makes the records durable before it returns nil. Records of one chain keep their
// order; chains do not wait for each other. An error names the chains that failed; then
// the whole batch may come again.
func (a *appender) Append(ctx context.Context, records []*meshosv1.Record) error {
	batches := map[string][]entry{}
	for i, r := range records {
		chain, e, err := encode(r)
		if err != nil {
			return pluginsdk.Invalid(fmt.Errorf("records[%d] is %w; nothing of the batch was written", i, err))
		}
		batches[chain] = append(batches[chain], e)
	}
	select {
	case <-a.locked:
	case <-ctx.Done():
		return pluginsdk.Unavailable(fmt.Errorf("%w (%s): %w", errOurs, a.dir, ctx.Err()))
	}
	errs := make([]error, len(a.order))
	var wg sync.WaitGroup
	for i, c := range a.order {
		if batch := batches[c.name]; len(batch) > 0 {
			wg.Go(func() { errs[i] = c.append(ctx, batch) })
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return pluginsdk.Unavailable(err)
	}
	return nil
}

// Warnings returns what was found when the files were opened.
func (a *appender) Warnings() []string {
	var out []string
	for _, c := range a.order {
		out = append(out, c.warnings...)
	}
	return out
}

// Close waits for records that are being written, accepts no more, and releases the lock.
func (a *appender) Close() error {
	var errs []error
	for _, c := range a.order {
		errs = append(errs, c.end())
	}
	select {
	case <-a.locked:
		errs = append(errs, a.lock.release())
	default:
	}
	return errors.Join(errs...)
}
