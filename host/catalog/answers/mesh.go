package answers

import (
	"fmt"
	"net"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/plaintext"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

const (
	summaryMax       = 1 << 10   // bytes of one summary
	entryMax         = 256 << 10 // bytes of one entry of the ordered log
	joiningMax       = 4 << 10   // bytes of one Joining
	joiningsMax      = 64        // in one batch
	failuresMax      = 64        // in one batch
	failureSourceMax = 64
	failureReasonMax = 1 << 10
	unreachableMax   = 32 // in one summary
	labelsMax        = 32 // in one summary
	hashBytes        = 32
	hostNameMax      = 253
)

// MeshStream checks one stream of a mesh plugin's Follow: the entries in it follow each
// other from the height on with which it began.
type MeshStream struct {
	self uint64
	next uint64 // height of the entry that comes next
}

// NewMeshStream returns the check of a stream that begins behind this height.
func NewMeshStream(self mesh.NodeID, height uint64) *MeshStream {
	return &MeshStream{self: uint64(self), next: height + 1}
}

// Batch returns what of a batch can be true. The error is set if its entries do not follow
// those before: then nothing of it counts, and the stream has to be begun again.
func (s *MeshStream) Batch(in *pluginv1.MeshBatch) (*pluginv1.MeshBatch, Discarded, error) {
	var bad Discarded
	next, err := s.follows(in.GetOrdered())
	if err != nil {
		return nil, bad, err
	}
	s.next = next
	out := &pluginv1.MeshBatch{Ordered: in.GetOrdered(), PeersComplete: in.GetPeersComplete(), Link: linkOf(in.GetLink())}
	for _, p := range in.GetPeers() {
		if reason := s.impossible(p); reason != "" {
			bad.Add(reason, "node %d", p.GetId())
			continue
		}
		p.Address = plaintext.Clean(p.GetAddress(), hostNameMax)
		clean(p.GetSummary())
		out.Peers = append(out.Peers, p)
	}
	for i, joining := range in.GetJoining() {
		switch {
		case i >= joiningsMax:
			bad.Add("too many nodes that join", "%d in one batch", len(in.GetJoining()))
		case len(joining) == 0 || len(joining) > joiningMax:
			bad.Add("a joining of an impossible size", "%d bytes", len(joining))
		default:
			out.Joining = append(out.Joining, joining)
		}
	}
	for i, f := range in.GetFailures() {
		switch {
		case i >= failuresMax:
			bad.Add("too many failures", "%d in one batch", len(in.GetFailures()))
		case f.GetSource() == "" || f.GetReason() == "":
			bad.Add("a failure without a source or a reason", "%q", f.GetSource())
		default:
			out.Failures = append(out.Failures, &meshosv1.FailureReport{
				Source: plaintext.Clean(f.GetSource(), failureSourceMax), Reason: plaintext.Clean(f.GetReason(), failureReasonMax),
			})
		}
	}
	return out, bad, nil
}

// follows returns the height behind entries, or why they do not follow those before.
func (s *MeshStream) follows(entries []*meshosv1.LoggedEntry) (next uint64, err error) {
	next = s.next
	for _, e := range entries {
		height, ok := heightOf(e.GetEntry())
		if e.GetHeight() != 0 { // what has that place is judged by its bytes: it may be no entry
			height, ok = e.GetHeight(), true
		}
		switch {
		case !ok:
			return 0, fmt.Errorf("the entry of the ordered log after height %d can't be read: it is no OrderedEntry", next-1)
		case len(e.GetEntry()) > entryMax && e.GetHeight() == 0:
			return 0, fmt.Errorf("the entry at height %d of the ordered log has %d bytes, more than %d", height, len(e.GetEntry()), entryMax)
		case height > next:
			return 0, fmt.Errorf("the ordered log has a gap: after height %d comes %d", next-1, height)
		case height < next:
			return 0, fmt.Errorf("the ordered log is not in order: after height %d comes %d", next-1, height)
		case e.GetLogTime().CheckValid() != nil:
			return 0, fmt.Errorf("the entry at height %d of the ordered log has no valid log_time", height)
		}
		next++
	}
	return next, nil
}

// heightOf returns the height of an encoded OrderedEntry. It decodes nothing else.
func heightOf(entry []byte) (height uint64, ok bool) {
	for len(entry) > 0 {
		number, kind, n := protowire.ConsumeTag(entry)
		if n < 0 {
			return 0, false
		}
		entry = entry[n:]
		if number == 1 && kind == protowire.VarintType {
			if height, n = protowire.ConsumeVarint(entry); n < 0 {
				return 0, false
			}
		} else if n = protowire.ConsumeFieldValue(number, kind, entry); n < 0 {
			return 0, false
		}
		entry = entry[n:]
	}
	return height, height > 0
}

// impossible returns what can't be true of what a plugin says of another node, or "".
func (s *MeshStream) impossible(p *pluginv1.PeerChange) string {
	switch {
	case p.GetId() == 0:
		return "no node"
	case p.GetId() == s.self:
		return "something about this node, which knows itself best"
	case p.GetAddress() != "" && !isHost(p.GetAddress()):
		return "an address that is neither a host nor an IP"
	case p.GetAge() != nil && (p.GetAge().CheckValid() != nil || p.GetAge().AsDuration() < 0):
		return "an age that is none"
	case p.GetSilent() != nil && (p.GetSilent().CheckValid() != nil || p.GetSilent().AsDuration() < 0):
		return "a silence that is none"
	case p.GetSummary() == nil:
		return ""
	}
	return impossibleSummary(p.GetId(), p.GetSummary())
}

// impossibleSummary returns what can't be true of what a node says of itself, or "".
func impossibleSummary(node uint64, of *meshosv1.NodeSummary) string {
	_, known := meshosv1.MaintenancePhase_name[int32(of.GetPhase())]
	switch {
	case proto.Size(of) > summaryMax:
		return "a summary of more than 1 KiB"
	case !known:
		return "a phase that there is not"
	case len(of.GetAdminState()) > hashBytes, len(of.GetSigners()) > hashBytes:
		return "a hash of more than 32 bytes"
	case len(of.GetUnreachable()) > unreachableMax:
		return "more than 32 unreachable nodes"
	case len(of.GetLabels()) > labelsMax:
		return "more than 32 labels"
	case of.GetAddress() != "" && !isHost(of.GetAddress()):
		return "an address that is neither a host nor an IP"
	case of.GetInventory() == nil:
		return ""
	case of.GetInventory().GetPeer() != 0 && of.GetInventory().GetPeer() != node:
		return "the inventory of another node"
	}
	inventory, err := wire.InventoryFromProto(of.GetInventory())
	if err != nil {
		return "malformed inventory"
	}
	return impossible(inventory)
}

// isHost reports whether a text may be the name or the IP of a host.
func isHost(s string) bool {
	return len(s) <= hostNameMax && (net.ParseIP(s) != nil || !strings.ContainsAny(s, ":/ \t\n"))
}

// clean makes what a node says of itself fit for people.
func clean(of *meshosv1.NodeSummary) {
	if of == nil {
		return
	}
	text := func(s *string) { *s = plaintext.Clean(*s, summaryMax) }
	text(&of.Trouble)
	text(&of.Version)
	text(&of.Name)
	text(&of.HealthTarget)
	for i := range of.Here {
		text(&of.Here[i])
	}
}

// linkOf returns how a plugin reaches the others, without what can't be true.
func linkOf(in *meshosv1.MeshLink) *meshosv1.MeshLink {
	if in == nil {
		return nil
	}
	if d := in.GetSince(); d.CheckValid() != nil || d.AsDuration() < 0 {
		in.Since = nil
	}
	if d := in.GetBeacon().GetAge(); in.GetBeacon() != nil && (d.CheckValid() != nil || d.AsDuration() < 0 || len(in.GetBeacon().GetHead()) > hashBytes) {
		in.Beacon = nil
	}
	in.Seed = plaintext.Clean(in.GetSeed(), hostNameMax+8)
	in.Alarm = plaintext.Clean(in.GetAlarm(), exampleLength)
	in.Error = plaintext.Clean(in.GetError(), exampleLength)
	return in
}
