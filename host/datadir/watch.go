package datadir

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// watchEvery is how often a Watch looks.
const watchEvery = 2 * time.Second

// Watch knows whether a data directory takes anything now.
type Watch struct {
	dir   string
	log   *slog.Logger
	wrong atomic.Pointer[UnwritableError]
}

// NewWatch looks at a data directory for the first time. Run it.
func NewWatch(dir string, log *slog.Logger) *Watch {
	w := &Watch{dir: dir, log: log}
	w.look()
	return w
}

// Err returns why the directory takes nothing, nil if it does.
func (w *Watch) Err() error {
	if err := w.wrong.Load(); err != nil {
		return err
	}
	return nil
}

// Run looks again and again, until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			w.look()
		case <-ctx.Done():
			return
		}
	}
}

func (w *Watch) look() {
	var now *UnwritableError
	_ = errors.As(Writable(w.dir), &now)
	switch before := w.wrong.Swap(now); {
	case now != nil && before == nil:
		w.log.Error(now.Error())
	case now == nil && before != nil:
		w.log.Info("the data directory can be written again", "dir", w.dir)
	}
}
