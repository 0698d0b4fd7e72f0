package wire

import (
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// members converts the commands about who belongs to a mesh. It returns nil for all others.
func (f *fields) members(in *meshosv1.AdminEvent) mesh.AdminEvent {
	switch kind := in.GetKind().(type) {
	case *meshosv1.AdminEvent_AdmitNode:
		return f.admitNode("admit_node", kind.AdmitNode)
	case *meshosv1.AdminEvent_ExpelNode:
		return mesh.ExpelNode{Node: mesh.NodeID(f.id("expel_node.node", kind.ExpelNode.GetNode()))}
	case *meshosv1.AdminEvent_SetSigners:
		return f.setSigners("set_signers", kind.SetSigners)
	case *meshosv1.AdminEvent_Checkpoint:
		return mesh.Checkpoint{
			Height: f.id("checkpoint.height", kind.Checkpoint.GetHeight()), State: f.key("checkpoint.admin_state", kind.Checkpoint.GetAdminState()),
		}
	case *meshosv1.AdminEvent_AcknowledgeRecovery:
		return mesh.AcknowledgeRecovery{}
	case *meshosv1.AdminEvent_SetChain:
		return f.setChain("set_chain", kind.SetChain)
	}
	return nil
}

// AdmitNodeFromProto checks and converts what the first entry of a mesh says of its founder.
func AdmitNodeFromProto(in *meshosv1.AdmitNode) (mesh.AdmitNode, error) {
	f := &fields{}
	out := f.admitNode("node", in)
	return out, f.err
}

// SetSignersFromProto checks and converts what the first entry of a mesh says of who may
// command it.
func SetSignersFromProto(in *meshosv1.SetSigners) (mesh.SetSigners, error) {
	f := &fields{}
	out := f.setSigners("signers", in)
	return out, f.err
}

func (f *fields) admitNode(at string, in *meshosv1.AdmitNode) mesh.AdmitNode {
	out := mesh.AdmitNode{
		Node: mesh.NodeID(f.id(at+".node", in.GetNode())), Seed: in.GetSeed(), Chains: in.GetChains(), Replace: in.GetReplace(),
		TokenKey: f.key(at+".token_key", in.GetTokenKey()), Expires: f.time(at+".token_expires", in.GetTokenExpires()),
		Key: f.key(at+".key", in.GetKey()), LinkKey: f.key(at+".link_key", in.GetLinkKey()),
	}
	if out.Token() {
		switch {
		case out.Key != mesh.PublicKey{} || out.LinkKey != mesh.PublicKey{} || in.GetName() != "":
			f.fail(at+".token_key", "must not be set beside a name and keys: who joins with a token says them")
		case out.Expires.IsZero():
			f.fail(at+".token_expires", "must be set in a token")
		}
		return out
	}
	out.Name = f.nodeName(at+".name", in.GetName())
	switch {
	case out.Key == mesh.PublicKey{}:
		f.fail(at+".key", "must be set, or token_key")
	case out.LinkKey == mesh.PublicKey{}:
		f.fail(at+".link_key", "must be set")
	case !out.Expires.IsZero():
		f.fail(at+".token_expires", "must be set in a token only")
	}
	return out
}

func (f *fields) setSigners(at string, in *meshosv1.SetSigners) mesh.SetSigners {
	return mesh.SetSigners{
		AllowedSigners: f.text(at+".allowed_signers", in.GetAllowedSigners()),
		NeedOrdinary:   in.GetOrdinary(), NeedBreakGlass: in.GetBreakGlass(), NeedThaw: in.GetThaw(),
	}
}

// nodeName reads the name of a member of a mesh.
func (f *fields) nodeName(field, name string) string {
	switch {
	case name == "":
		f.fail(field, "must be set")
	case len(name) > mesh.MaxNodeName:
		f.fail(field, "has %d bytes; it may have at most %d", len(name), mesh.MaxNodeName)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		f.fail(field, "must hold printable characters only")
	}
	return f.text(field, name)
}

// NodeName checks the name of a member of a mesh.
func NodeName(name string) error {
	f := &fields{}
	f.nodeName("name", name)
	return f.err
}

// key reads a key that may be left out.
func (f *fields) key(field string, raw []byte) (out mesh.PublicKey) {
	switch len(raw) {
	case 0:
	case len(out):
		copy(out[:], raw)
		if out == (mesh.PublicKey{}) {
			f.fail(field, "must not be zeros")
		}
	default:
		f.fail(field, "has %d bytes instead of %d", len(raw), len(out))
	}
	return out
}

// time reads a time that may be left out: then it is zero.
func (f *fields) time(field string, in *timestamppb.Timestamp) (out time.Time) {
	switch {
	case in == nil:
		return out
	case !in.IsValid():
		f.fail(field, "must be a valid time")
		return out
	}
	return in.AsTime()
}

// AdmitNodeToProto converts the command.
func AdmitNodeToProto(e mesh.AdmitNode) *meshosv1.AdmitNode {
	out := &meshosv1.AdmitNode{
		Node: uint64(e.Node), Name: valid(e.Name), Key: keyOrAbsent(e.Key), LinkKey: keyOrAbsent(e.LinkKey), Seed: e.Seed,
		TokenKey: keyOrAbsent(e.TokenKey), Replace: e.Replace, Chains: e.Chains,
	}
	if !e.Expires.IsZero() {
		out.TokenExpires = timestamppb.New(e.Expires)
	}
	return out
}

// SetSignersToProto converts the command.
func SetSignersToProto(e mesh.SetSigners) *meshosv1.SetSigners {
	return &meshosv1.SetSigners{
		AllowedSigners: valid(e.AllowedSigners), Ordinary: e.NeedOrdinary, BreakGlass: e.NeedBreakGlass, Thaw: e.NeedThaw,
	}
}

func keyOrAbsent(k mesh.PublicKey) []byte {
	if k == (mesh.PublicKey{}) {
		return nil
	}
	return k[:]
}

// membersToProto converts the commands about who belongs to a mesh; nil for all others.
func membersToProto(in mesh.AdminEvent) *meshosv1.AdminEvent {
	switch e := in.(type) {
	case mesh.AdmitNode:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_AdmitNode{AdmitNode: AdmitNodeToProto(e)}}
	case mesh.ExpelNode:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_ExpelNode{ExpelNode: &meshosv1.ExpelNode{Node: uint64(e.Node)}}}
	case mesh.SetChain:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetChain{SetChain: SetChainToProto(e)}}
	case mesh.SetSigners:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_SetSigners{SetSigners: SetSignersToProto(e)}}
	case mesh.Checkpoint:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Checkpoint{Checkpoint: &meshosv1.Checkpoint{Height: e.Height, AdminState: e.State[:]}}}
	case mesh.AcknowledgeRecovery:
		return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_AcknowledgeRecovery{AcknowledgeRecovery: &meshosv1.AcknowledgeRecovery{}}}
	}
	return nil
}
