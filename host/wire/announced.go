package wire

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// SummaryFromProto checks and converts what a node says of itself. The error is a *FieldError.
func SummaryFromProto(in *meshosv1.NodeSummary) (*mesh.Summary, error) {
	var f fields
	out := &mesh.Summary{
		Incarnation: in.GetIncarnation(), Height: in.GetHeight(),
		AdminState: string(in.GetAdminState()), Signers: string(in.GetSigners()),
		Phase:    mesh.MaintenancePhase(f.enumOr0("phase", int32(in.GetPhase()), int32(mesh.PhaseRecovery))),
		Cordoned: in.GetCordoned(), Draining: in.GetDraining(),
		ChainsHeld: in.GetChainsHeld(), ChainsLed: in.GetChainsLed(), ChainsMost: in.GetChainsMost(),
		DaemonsRunning: in.GetDaemonsRunning(), DaemonsWrong: in.GetDaemonsWrong(), PluginsWrong: in.GetPluginsWrong(),
		Trouble: f.text("trouble", in.GetTrouble()), Version: f.text("version", in.GetVersion()), Name: f.text("name", in.GetName()),
		Address: f.text("address", in.GetAddress()), Health: f.text("health_target", in.GetHealthTarget()), LogFrozen: in.GetLogFrozen(),
	}
	for _, key := range slices.Sorted(maps.Keys(in.GetLabels())) {
		out.Labels = append(out.Labels, mesh.Label{Key: f.text("labels", key), Value: f.text("labels", in.GetLabels()[key])})
	}
	for i, text := range in.GetHere() {
		out.Here = append(out.Here, f.text("here["+strconv.Itoa(i)+"]", text))
	}
	for i, id := range in.GetUnreachable() {
		out.Unreachable = append(out.Unreachable, mesh.NodeID(f.id("unreachable["+strconv.Itoa(i)+"]", id)))
	}
	if in.GetInventory() != nil {
		inventory, err := InventoryFromProto(in.GetInventory())
		if err != nil {
			return nil, within("inventory", err)
		}
		out.Inventory = &inventory
	}
	if f.err != nil {
		return nil, f.err
	}
	return out, nil
}

// SummaryToProto converts what a node says of itself; nil stays nil.
func SummaryToProto(in *mesh.Summary) *meshosv1.NodeSummary {
	if in == nil {
		return nil
	}
	out := &meshosv1.NodeSummary{
		Incarnation: in.Incarnation, Height: in.Height, AdminState: []byte(in.AdminState), Signers: []byte(in.Signers),
		Phase: meshosv1.MaintenancePhase(in.Phase), Cordoned: in.Cordoned, Draining: in.Draining,
		ChainsHeld: in.ChainsHeld, ChainsLed: in.ChainsLed, ChainsMost: in.ChainsMost,
		DaemonsRunning: in.DaemonsRunning, DaemonsWrong: in.DaemonsWrong, PluginsWrong: in.PluginsWrong,
		Trouble: valid(in.Trouble), Version: valid(in.Version), Name: valid(in.Name),
		Address: valid(in.Address), HealthTarget: valid(in.Health), LogFrozen: in.LogFrozen,
		Here: validAll(in.Here), Unreachable: numbers(in.Unreachable),
	}
	if in.Inventory != nil {
		out.Inventory = InventoryToProto(*in.Inventory)
	}
	out.Labels = LabelsToProto(in.Labels)
	return out
}

func announcedFromProto(in *meshosv1.PeersAnnounced) (mesh.PeersAnnounced, error) {
	f := fields{at: "peers_announced"}
	var out mesh.PeersAnnounced
	for i, p := range in.GetPeers() {
		at := "peers[" + strconv.Itoa(i) + "]."
		one := mesh.Announced{
			ID: mesh.NodeID(f.id(at+"id", p.GetId())), Name: f.text(at+"name", p.GetName()), Address: f.text(at+"address", p.GetAddress()),
			Health: f.text(at+"health_target", p.GetHealthTarget()), Seed: p.GetSeed(), Gone: p.GetGone(), Orderly: p.GetOrderly(), Silent: p.GetSilent(),
			Heard: f.duration(at+"heard", p.GetHeard()),
		}
		if p.GetSummary() != nil {
			summary, err := SummaryFromProto(p.GetSummary())
			if err != nil && f.err == nil {
				f.err = within("peers_announced."+at+"summary", err)
			}
			one.Summary = summary
		}
		out.Peers = append(out.Peers, one)
	}
	for i, id := range in.GetExpelled() {
		out.Expelled = append(out.Expelled, mesh.NodeID(f.id("expelled["+strconv.Itoa(i)+"]", id)))
	}
	return out, f.err
}

func announcedToProto(in mesh.PeersAnnounced) *meshosv1.PeersAnnounced {
	out := &meshosv1.PeersAnnounced{Expelled: numbers(in.Expelled)}
	for _, p := range in.Peers {
		one := &meshosv1.PeersAnnounced_Announced{
			Id: uint64(p.ID), Name: valid(p.Name), Address: valid(p.Address), HealthTarget: valid(p.Health),
			Seed: p.Seed, Gone: p.Gone, Orderly: p.Orderly, Silent: p.Silent, Summary: SummaryToProto(p.Summary),
		}
		if p.Heard != nil {
			one.Heard = durationpb.New(*p.Heard)
		}
		out.Peers = append(out.Peers, one)
	}
	return out
}

// LabelsToProto returns labels as the contract has them; nil for none.
func LabelsToProto(in []mesh.Label) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for _, l := range in {
		out[valid(l.Key)] = valid(l.Value)
	}
	return out
}

// LabelsOf returns labels sorted by their keys.
func LabelsOf(in map[string]string) (out []mesh.Label) {
	for key, value := range in {
		out = append(out, mesh.Label{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b mesh.Label) int { return cmp.Compare(a.Key, b.Key) })
	return out
}
