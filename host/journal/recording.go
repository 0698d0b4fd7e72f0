package journal

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/state"
)

// Recording is the journal of one run of a node. The zero value records nothing.
type Recording struct {
	writer  *Writer
	stopped chan error // why the journal stopped, at most one
}

// Record begins the journal of a run that begins with boot, on the effective
// configuration. A path of "" is for none.
func Record(path, configTOML string, boot state.Boot) (Recording, error) {
	if path == "" {
		return Recording{}, nil
	}
	r := Recording{stopped: make(chan error, 1)}
	var err error
	r.writer, err = NewWriter(Options{
		Path:    path,
		At:      boot.At,
		Boot:    Boot{Node: boot.Node, Epoch: boot.Epoch, ConfigTOML: configTOML, FreezeRemaining: boot.FreezeRemaining, Orders: boot.Orders},
		Stopped: func(err error) { r.stopped <- err }, // called once, so there is room
	})
	return r, err
}

// Recorder records what the loop folds, in order.
type Recorder interface {
	Input(at mesh.Stamp, in mesh.Input)
	Tick(at mesh.Stamp, room int, early bool)
}

// Recorder returns what the loop records its inputs with; nil for nothing.
func (r Recording) Recorder() Recorder {
	if r.writer == nil {
		return nil
	}
	return r.writer
}

// Watch reports a journal that stops before ctx ends. The node goes on without it.
func (r Recording) Watch(ctx context.Context, log *slog.Logger, report func(source, reason string)) {
	select {
	case err := <-r.stopped:
		log.Error("the journal stopped, the node goes on without it", "error", err)
		report("journal", strings.TrimPrefix(err.Error(), "journal: ")+"; nothing is recorded any more, and the node goes on")
	case <-ctx.Done():
	}
}

// Close writes what is left, within limit. The loop has ended.
func (r Recording) Close(log *slog.Logger, limit time.Duration) {
	if r.writer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := r.writer.Close(ctx); err != nil {
		log.Error("the journal is not complete", "error", err)
	}
}
