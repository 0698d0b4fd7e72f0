package api

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Records are the node's records on disk.
type Records interface {
	// Read gives the records of a chain behind a position, until no more are on disk.
	// It calls known first, and says whether records of the position's epoch are still
	// kept; if not it begins with the oldest. It ends with the first error of known or
	// visit, or with ctx.
	Read(ctx context.Context, chain mesh.RecordChain, from mesh.RecordPosition, known func(bool) error, visit func(*meshosv1.Record) error) error
}
