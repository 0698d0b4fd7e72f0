package lifecycle

import (
	"context"
	"time"
)

// Part is one part of a node.
type Part struct {
	Name string
	// Run runs the part until ctx ends. An error that it returns before that ends all
	// parts; nil says that this part has nothing more to do.
	Run func(ctx context.Context) error
	// Stop, if set, ends the part in order before Run's ctx ends. Its own ctx has the
	// deadline of the part's end.
	Stop func(ctx context.Context)
	// Limit is how long Stop and the return of Run may take together. It is kept free
	// for this part whatever the others take.
	Limit time.Duration
	// Rest allows the part to take also what the others have left of the total.
	Rest bool
}
