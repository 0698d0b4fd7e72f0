package scoring

import (
	"context"
	"errors"

	"github.com/meshos/meshos/host/mesh"
)

// Scorer scores the holders of chains and names better ones.
type Scorer interface {
	// Name is what people know it by.
	Name() string
	// NoOp says that it has no opinion on anything.
	NoOp() bool
	// Score gives its opinion on all chains of the view that the request leads to,
	// whether they are in the request or not; a chain without one is left out. It
	// returns soon after ctx is done, keeps nothing of the request that it writes
	// to, and is called by one goroutine at a time.
	Score(ctx context.Context, req Request) (mesh.Scores, error)
}

// What the error of a Scorer may wrap.
var (
	// ErrNoBase says that the scorer does not hold the view that a change is for.
	// It gets the whole view at once.
	ErrNoBase = errors.New("the scorer does not hold the view that the change is for")
	// ErrAway says that the scorer can't be asked now. That is no failure to record:
	// who runs it knows why.
	ErrAway = errors.New("the scorer is away")
)

// Request is a view to score: the whole of it, or what changed since the view
// Base, which was the last one answered. Lists are ascending by id.
type Request struct {
	Version       uint64 // the tick whose view it is
	Full          bool
	Base          uint64 // meaningful unless Full
	Nodes         []Node
	RemovedNodes  []mesh.NodeID
	Chains        []Chain
	RemovedChains []mesh.ChainID
}
