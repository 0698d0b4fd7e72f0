package host

import (
	"context"
	"strings"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/loop"
	"github.com/meshos/meshos/host/state"
)

// recording is the journal of this run; the zero value is none.
type recording struct {
	writer  *journal.Writer
	stopped chan error // why the journal stopped, at most one
}

// beginRecording begins the journal of a run that begins with boot. A path of ""
// is for none.
func beginRecording(path string, cfg *config.Config, boot state.Boot) (recording, error) {
	if path == "" {
		return recording{}, nil
	}
	r := recording{stopped: make(chan error, 1)}
	var err error
	r.writer, err = journal.NewWriter(journal.Options{
		Path: path,
		At:   boot.At,
		Boot: journal.Boot{
			Node: boot.Node, Epoch: boot.Epoch, ConfigTOML: cfg.Effective(), FreezeRemaining: boot.FreezeRemaining,
		},
		Stopped: func(err error) { r.stopped <- err }, // called once, so there is room
	})
	return r, err
}

// recorder is what the loop tells; nil for nobody.
func (r recording) recorder() loop.Recorder {
	if r.writer == nil {
		return nil
	}
	return r.writer
}

// watchRecording reports a journal that stops, until ctx ends. The node goes on.
func (n *node) watchRecording(ctx context.Context) {
	select {
	case err := <-n.recording.stopped:
		n.log.Error("the journal stopped, the node goes on without it", "error", err)
		n.reports.add("journal", strings.TrimPrefix(err.Error(), "journal: ")+"; nothing is recorded any more, and the node goes on")
	case <-ctx.Done():
	}
}

// endRecording writes what is left. The loop has ended.
func (n *node) endRecording() {
	if n.recording.writer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), endRecords)
	defer cancel()
	if err := n.recording.writer.Close(ctx); err != nil {
		n.log.Error("the journal is not whole", "error", err)
	}
}
