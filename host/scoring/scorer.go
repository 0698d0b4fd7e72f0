package scoring

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/mesh"
)

// Scorer scores the holders of chains and names better ones.
type Scorer interface {
	// Name returns the name under which people know it.
	Name() string
	// NoOp reports whether it has no opinion on anything.
	NoOp() bool
	// Score returns its opinion on all chains of the view that the request leads to,
	// also on those that are not in the request; a chain without an opinion is left
	// out. In answer to changes it may return only how its opinion differs from its last
	// answer (mesh.Scores.Changes). It must return soon after ctx is done, and must not
	// write to the request's memory, which it may read a moment longer. The table's memory
	// is the caller's. It is called by one goroutine at a time.
	Score(ctx context.Context, req Request) (mesh.Scores, error)
}

// Errors that the error of a Scorer may wrap.
var (
	// ErrNoBase means that the scorer does not have the view that the changes are for.
	// It gets the whole view at once.
	ErrNoBase = errors.New("the scorer does not have the view that the changes are for")
	// ErrAway means that the scorer can't be asked now. That is not recorded as a
	// failure: what runs the scorer does that.
	ErrAway = errors.New("the scorer is away")
)

// TooManyError means that a scorer can't score so many chains, however often it is asked.
type TooManyError struct {
	Chains int
	Err    error
}

// Error implements error.
func (e *TooManyError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *TooManyError) Unwrap() error { return e.Err }

// Request is a view to score: the whole of it, or what changed since the view Base,
// which is the last one that the scorer answered. Lists are ascending by id.
type Request struct {
	Version       uint64 // the tick of the view
	Full          bool
	Base          uint64 // meaningful unless Full
	Nodes         []Node
	RemovedNodes  []mesh.NodeID
	Chains        []Chain
	RemovedChains []mesh.ChainID
	Led           int // how many chains the view has
}
