package records

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Appender stores records somewhere.
type Appender interface {
	// Name is what operators call it: the plugin's name.
	Name() string
	// Append stores records durably, in order, before it returns nil. It skips what
	// it holds already: after an error the same batch comes again. It must return
	// when ctx ends. An error that Is ErrAway says that nobody was there to ask.
	Append(ctx context.Context, records []*meshosv1.Record) error
}

// ErrAway is in the error of an Append that did not reach the appender, because
// its plugin is not ready. It costs nothing, so it is tried again soon, and counts
// as no failed append.
var ErrAway = errors.New("the appender is not there")

// Reader gives the snapshots that the loop publishes.
type Reader interface {
	// Latest is the newest snapshot, nil before the first.
	Latest() *snapshot.Snapshot
	// Changed is closed when a newer snapshot than the present one is published.
	Changed() <-chan struct{}
}

// Feed takes back into the loop what becomes of the records.
type Feed interface {
	// Acknowledge says that every appender of a chain holds it through a seq.
	Acknowledge(ctx context.Context, a mesh.Acknowledged) error
	// Report makes a failure record.
	Report(ctx context.Context, r mesh.FailureReport) error
}
