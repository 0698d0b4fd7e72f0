package document

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// attempts is how often a snapshot is asked for anew whose pages are not held any more.
const attempts = 3

// Getter asks a node for snapshots; hostv1.HostClient is one.
type Getter interface {
	GetSnapshot(ctx context.Context, in *hostv1.GetSnapshotRequest, opts ...grpc.CallOption) (*meshosv1.Snapshot, error)
}

// Get asks a node for its newest snapshot, and joins its pages.
func Get(ctx context.Context, node Getter, filter *hostv1.SnapshotFilter) (*meshosv1.Snapshot, error) {
	for attempt := 1; ; attempt++ {
		out, err := get(ctx, node, filter)
		if status.Code(err) != codes.FailedPrecondition || attempt == attempts {
			return out, err
		}
	}
}

func get(ctx context.Context, node Getter, filter *hostv1.SnapshotFilter) (*meshosv1.Snapshot, error) {
	first, err := node.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{Filter: filter})
	if err != nil {
		return nil, err
	}
	for next := first.GetNextPage(); next != ""; {
		page, err := node.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{Page: next})
		if err != nil {
			return nil, err
		}
		join(first, page)
		next = page.GetNextPage()
	}
	first.NextPage = ""
	if filter == nil {
		first.Counts = nil // the document says so itself
	}
	return first, nil
}

// join adds the lists of the next page.
func join(to, page *meshosv1.Snapshot) {
	to.Daemons = append(to.Daemons, page.GetDaemons()...)
	to.Replicas = append(to.Replicas, page.GetReplicas()...)
	to.Peers = append(to.Peers, page.GetPeers()...)
	to.AvoidList = append(to.AvoidList, page.GetAvoidList()...)
	if waiting := page.GetLocalMaintenance().GetWaitingFor(); len(waiting) > 0 {
		to.LocalMaintenance.WaitingFor = append(to.LocalMaintenance.GetWaitingFor(), waiting...)
	}
	to.RecentlyEmitted = append(to.RecentlyEmitted, page.GetRecentlyEmitted()...)
	to.RecentFailures = append(to.RecentFailures, page.GetRecentFailures()...)
	to.AdminAudit = append(to.AdminAudit, page.GetAdminAudit()...)
	to.Logs = append(to.Logs, page.GetLogs()...)
	to.InFlightMigrations = append(to.InFlightMigrations, page.GetInFlightMigrations()...)
	to.Plugins = append(to.Plugins, page.GetPlugins()...)
	to.Unresolved = append(to.Unresolved, page.GetUnresolved()...)
}
