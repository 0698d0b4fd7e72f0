package document_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/document"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// paged is a node whose snapshot comes in two pages.
type paged struct {
	asked  []string // the pages, in order
	filter *hostv1.SnapshotFilter
	expire int        // how many times the second page is not held any more
	code   codes.Code // what it says then
}

func (p *paged) GetSnapshot(_ context.Context, in *hostv1.GetSnapshotRequest, _ ...grpc.CallOption) (*meshosv1.Snapshot, error) {
	p.asked = append(p.asked, in.GetPage())
	if in.GetPage() == "" {
		p.filter = in.GetFilter()
		out := whole(3, 0, daemonView(1, 0))
		out.NextPage, out.Counts = "second", &meshosv1.SnapshotCounts{}
		out.LocalMaintenance = &meshosv1.MaintenanceView{}
		return out, nil
	}
	if p.expire > 0 {
		p.expire--
		return nil, status.Error(p.code, "not held any more")
	}
	return &meshosv1.Snapshot{
		TakenAt: taken(0), Daemons: []*meshosv1.DaemonView{daemonView(2, 0)},
		LocalMaintenance: &meshosv1.MaintenanceView{WaitingFor: []string{"daemon 2"}},
	}, nil
}

func TestGetJoinsThePages(t *testing.T) {
	node := &paged{}
	got, err := document.Get(t.Context(), node, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, got, 1, 2)
	if got.GetNextPage() != "" || got.GetCounts() != nil || len(got.GetLocalMaintenance().GetWaitingFor()) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestGetOfAPartKeepsTheCountsOfTheWhole(t *testing.T) {
	node, part := &paged{}, &hostv1.SnapshotFilter{Sections: []hostv1.SnapshotFilter_Section{hostv1.SnapshotFilter_SECTION_DAEMONS}}
	got, err := document.Get(t.Context(), node, part)
	if err != nil || got.GetCounts() == nil || node.filter != part {
		t.Errorf("got %v, %v of the filter %v", got, err, node.filter)
	}
}

// Pages that are not held any more are asked for anew from the first one, but not for ever;
// another error is the caller's.
func TestGetAsksAnewForPagesThatAreNotHeld(t *testing.T) {
	for name, c := range map[string]struct {
		expire int
		code   codes.Code
		asked  int
		want   codes.Code
	}{
		"once":          {1, codes.FailedPrecondition, 4, codes.OK},
		"always":        {100, codes.FailedPrecondition, 6, codes.FailedPrecondition},
		"another error": {100, codes.Unavailable, 2, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			node := &paged{expire: c.expire, code: c.code}
			got, err := document.Get(t.Context(), node, nil)
			if status.Code(err) != c.want || len(node.asked) != c.asked {
				t.Fatalf("%v after asking for the pages %q", err, node.asked)
			}
			if err == nil {
				wantIDs(t, got, 1, 2)
			}
		})
	}
}
