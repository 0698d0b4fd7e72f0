package host

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/snapshot"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// meshView returns what this node knows of its mesh; nil if it has none.
func (n *node) meshView(s *snapshot.Snapshot) *meshosv1.MeshView {
	if !n.link.Used() {
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
	view.Heard = 0
	for p := range s.Peers.Values() {
		if p.Member != nil && !p.Member.Gone {
			view.Heard++
		}
	}
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
