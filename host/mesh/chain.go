package mesh

import "time"

// MaxChainName is how long the name of a chain of a mesh may be, in bytes.
const MaxChainName = 64

// SetChain sets what a chain of the mesh is, or that it is none any more. It is valid in the
// ordered log of a mesh alone.
type SetChain struct {
	Chain    ChainID
	Name     string
	Replicas uint32 // 1, 2, 3 or 5
	Stream   ChainStream
	Deleted  bool   // its stream is deleted, with all that is in it
	Spread   string // the label over whose values its replicas are spread; "" for none
}

// ChainStream is what the engine of the mesh stores of a chain.
type ChainStream struct {
	Subjects  []string      // messages on these are what the chain holds
	MaxBytes  int64         // 0: no limit
	MaxAge    time.Duration // 0: no limit
	Retention Retention
	Name      string // of the stream; empty: the engine's own name
}

// Retention is when a message of a chain goes.
type Retention uint8

// The retentions.
const (
	RetainLimits    Retention = iota + 1 // when a limit is reached
	RetainInterest                       // when all consumers have acknowledged it
	RetainWorkQueue                      // when one has
)

// String names the retention as the configuration does.
func (r Retention) String() string {
	switch r {
	case RetainInterest:
		return "interest"
	case RetainWorkQueue:
		return "work-queue"
	}
	return "limits"
}

// ChainReplicas reports whether a stream can have so many replicas: an even number above 2 costs
// one more than the number below it, and stops with as few of them lost.
func ChainReplicas(n uint32) bool { return n >= 1 && n <= 3 || n == 5 }

// Kind implements AdminEvent.
func (SetChain) Kind() string { return "set_chain" }

// BreakGlass implements AdminEvent.
func (SetChain) BreakGlass() bool { return false }

// Size implements AdminEvent.
func (e SetChain) Size() int {
	n := len(e.Name) + len(e.Stream.Name) + len(e.Spread)
	for _, s := range e.Stream.Subjects {
		n += len(s)
	}
	return n
}
