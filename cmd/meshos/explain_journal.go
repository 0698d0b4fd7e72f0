package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/journal"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// explainJournal replays a journal up to a tick, 0 for its end, and explains the state there.
func (a *app) explainJournal(file string, until uint64, in *hostv1.ExplainRequest) (*hostv1.ExplainResponse, error) {
	reader, err := journal.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	replay := journal.NewReplay(reader)
	ticks := uint64(0)
	for until == 0 || ticks < until {
		t, err := replay.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		ticks = t.Number
	}
	for _, warning := range replay.Warnings() {
		_, _ = fmt.Fprintf(a.err, "warning: %s\n", warning)
	}
	if replay.State() == nil {
		return nil, fmt.Errorf("%s is cut off in its boot entry: there is nothing to explain", file)
	}
	if ticks < until {
		return nil, &usageError{err: fmt.Errorf("--until %d: %s ends with tick %d", until, file, ticks)}
	}
	answer, err := api.Explain(replay.State(), in)
	var ambiguous *api.AmbiguousNameError
	if errors.As(err, &ambiguous) { // as a running node would
		return nil, &rejectedError{reason: err.Error()}
	}
	return answer, err
}
