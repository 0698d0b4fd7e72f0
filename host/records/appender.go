package records

import (
	"context"
	"errors"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Appender stores records somewhere.
type Appender interface {
	// Name is what operators call it: the plugin's name.
	Name() string
	// Append stores records durably, in order, before it returns nil. It skips what
	// it holds already: after an error the same batch comes again. It must return
	// when ctx ends. An error that Is ErrAway means that nobody was there to ask.
	Append(ctx context.Context, records []*meshosv1.Record) error
}

// ErrAway is in the error of an Append that did not reach the appender, because
// its plugin is not ready. It costs nothing, so the next attempt comes soon, and it
// does not count as a failed append.
var ErrAway = errors.New("the appender is not there")
