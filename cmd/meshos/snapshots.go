package main

import (
	"context"

	"google.golang.org/grpc"

	"github.com/meshos/meshos/internal/document"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// watchAll opens the stream of a node's snapshots, whose messages documents and changes read.
func (n *nodeClient) watchAll(ctx context.Context) (grpc.ServerStreamingClient[meshosv1.Snapshot], error) {
	return n.watchSections(ctx)
}

// watchSections is watchAll of these lists only; of none for all.
func (n *nodeClient) watchSections(ctx context.Context, sections ...hostv1.SnapshotFilter_Section) (grpc.ServerStreamingClient[meshosv1.Snapshot], error) {
	in := &hostv1.WatchSnapshotsRequest{Deltas: true}
	if len(sections) > 0 {
		in.Filter = &hostv1.SnapshotFilter{Sections: sections}
	}
	return n.WatchSnapshots(ctx, in)
}

// documents returns what takes the messages of a stream, and calls visit with each whole
// snapshot that they lead to.
func documents(visit func(*meshosv1.Snapshot) error) func(*meshosv1.Snapshot) error {
	var doc document.Document
	return func(m *meshosv1.Snapshot) error {
		if !doc.Take(m) {
			return nil
		}
		return visit(doc.Snapshot())
	}
}

// changes returns what takes the messages of a stream, and calls whole with each snapshot that
// begins a stream, and changed with what follows it. Unlike documents it keeps nothing.
func changes(whole func(*meshosv1.Snapshot) error, changed func(*meshosv1.SnapshotDelta) error) func(*meshosv1.Snapshot) error {
	var doc document.Document
	return func(m *meshosv1.Snapshot) error {
		if m.GetDelta() != nil {
			return changed(m.GetDelta())
		}
		if !doc.Take(m) {
			return nil
		}
		out := doc.Snapshot()
		doc = document.Document{}
		return whole(out)
	}
}
