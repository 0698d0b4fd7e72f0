package host

import (
	"context"
	"path/filepath"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// openRecords opens the node's records on disk.
func (n *node) openRecords() (*records.Records, error) {
	return records.Open(records.Options{
		Dir:         filepath.Join(n.cfg.Node.DataDir, "records"),
		Log:         n.log,
		SegmentSize: n.cfg.Records.SegmentSize,
		KeepSize:    n.cfg.Records.KeepSize,
		KeepAge:     n.cfg.Records.KeepAge,
		AuditLimit:  n.cfg.Records.AuditLimit,
		EndWithin:   endRecords * 9 / 10, // cursors are saved and files closed after it
	})
}

// subscribeAppenders has the plugins that store records follow them.
func (n *node) subscribeAppenders() error {
	subscriptions, err := n.subscriptions()
	if err != nil {
		return err
	}
	return n.records.Subscribe(subscriptions)
}

// durable waits until a record of this process is on disk.
func (n *node) durable(ctx context.Context, c mesh.RecordChain, seq uint64) error {
	return n.records.Durable(ctx, c, n.loop.Reader().Latest().Epoch, seq)
}

// recordsDoor lets clients of the API read the records on disk.
type recordsDoor struct{ *records.Records }

// Read implements api.Records.
func (d recordsDoor) Read(
	ctx context.Context, c mesh.RecordChain, from api.Position, known func(bool) error, visit func(*meshosv1.Record) error,
) error {
	return d.Records.Read(ctx, c, records.Position(from), known, visit)
}
