package api

import (
	"context"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Records are the node's records on disk.
type Records interface {
	// Read calls visit with each record of a chain after a position, until there are no
	// more on disk. First it calls known with whether records of the position's epoch are
	// still there; if not, it begins with the oldest record. It ends at the first error of
	// known or visit, or when ctx is done.
	Read(ctx context.Context, chain mesh.RecordChain, from mesh.RecordPosition, known func(bool) error, visit func(*meshosv1.Record) error) error
	// Newest returns the number of the entry, for the From of a position, with which the
	// newest n wanted records on disk begin; that of the oldest entry if there are fewer.
	Newest(ctx context.Context, chain mesh.RecordChain, n int, wanted func(*meshosv1.Record) bool) (uint64, error)
}
