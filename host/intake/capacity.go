package intake

import (
	"context"

	"github.com/meshos/meshos/host/capacity"
	"github.com/meshos/meshos/host/mesh"
)

// admit returns an event as it may come in, or the verdict on one that would make the node
// remember more than it may, or is about something that nobody has heard of.
func (in *Intake) admit(ctx context.Context, from Source, ev mesh.Event) (admitted mesh.Event, verdict mesh.Verification, refused bool) {
	if in.capacity == nil {
		return ev, mesh.Verification{}, false
	}
	by := capacity.Source{Name: from.Name}
	if from.Origin == FromPlugins {
		by.Plugin = from.Lines // the same for all kinds of a plugin
	}
	admitted, refusal := in.capacity.Admit(ctx, by, ev)
	if refusal == nil {
		return admitted, mesh.Verification{}, false
	}
	kind := mesh.RejectCapacity
	if refusal.What == capacity.Unknown {
		kind = mesh.RejectUnknown
	}
	return ev, mesh.Verification{Verdict: mesh.VerdictRejected, Kind: kind, Message: refusal.Message}, true
}
