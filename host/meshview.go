package host

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/metrics"
	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// meshView returns what this node knows of its mesh; nil if it has none. A node whose plugin is
// not there, or not yet, has its record all the same.
func (n *node) meshView(s *snapshot.Snapshot) *meshosv1.MeshView {
	if !n.link.Used() && !n.meshlog.Used() {
		return nil
	}
	view := &meshosv1.MeshView{}
	if of, has := n.link.Record().(interface{ View() *meshosv1.MeshView }); has {
		if known := of.View(); known != nil {
			view = known
		}
	}
	if link, at := n.link.Linked(); link != nil {
		view.Link = aged(link, time.Since(at))
	}
	view.Heard = uint32(s.Sessions)
	return view
}

// aged returns how this node is linked, said some time ago.
func aged(in *meshosv1.MeshLink, by time.Duration) *meshosv1.MeshLink {
	out := proto.CloneOf(in)
	if out.Since != nil {
		out.Since = durationpb.New(out.GetSince().AsDuration() + by)
	}
	if out.GetBeacon().GetAge() != nil {
		out.Beacon.Age = durationpb.New(out.GetBeacon().GetAge().AsDuration() + by)
	}
	return out
}

// meshState returns what metrics tell of the mesh.
func (n *node) meshState() metrics.MeshState {
	latest := n.loop.Reader().Latest()
	view, _ := latest.Mesh.(*meshosv1.MeshView)
	if view == nil {
		return metrics.MeshState{}
	}
	link := view.GetLink()
	out := metrics.MeshState{
		Used: true, Member: view.GetMember(), LinkUp: link.GetConnected(), Quorum: link.GetQuorum(),
		First: view.GetFirst(), Begins: link.GetFirst(), Checkpoint: view.GetCheckpoint().GetHeight(),
		Height: view.GetHeight(), Highest: link.GetBeacon().GetHeight(), BeaconAge: link.GetBeacon().GetAge().AsDuration(), BeaconKnown: link.GetBeacon() != nil,
		Alarms: len(view.GetAlarms()), Differing: len(latest.Beside.Alarms), Frozen: view.GetFrozen() != "", Forked: n.meshlog.Forked(),
		Orders: n.meshlog.Orders(), Served: n.link.Served(),
	}
	if link.GetAlarm() != "" {
		out.Alarms++
	}
	for p := range latest.Peers.Values() {
		if p.Member != nil && p.Member.Summary != nil {
			out.Highest = max(out.Highest, p.Member.Summary.Height)
		}
	}
	out.Asked, out.Asking = n.link.Asked()
	return out
}
