package cluster

import (
	"crypto/ed25519"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// NewJoining returns what a node signs to become a member: with the key of its token, and with
// its own.
func NewJoining(node mesh.NodeID, name string, key, linkKey mesh.PublicKey, token, own Signer) *meshosv1.Joining {
	j := &meshosv1.Joining{Node: uint64(node), Name: name, Key: key[:], LinkKey: linkKey[:]}
	over := joiningBytes(j)
	j.TokenSignature, j.KeySignature = token.Sign(over), own.Sign(over)
	return j
}

// joiningBytes returns what both signatures are over.
func joiningBytes(j *meshosv1.Joining) []byte {
	bare := &meshosv1.Joining{Node: j.GetNode(), Name: j.GetName(), Key: j.GetKey(), LinkKey: j.GetLinkKey()}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		return nil // a name that is not UTF-8: no signature is over nothing
	}
	return append([]byte(joiningContext), raw...)
}

// admission returns the command that a joining stands for.
func admission(j *meshosv1.Joining) (mesh.AdmitNode, error) {
	return wire.AdmitNodeFromProto(&meshosv1.AdmitNode{
		Node: j.GetNode(), Name: j.GetName(), Key: j.GetKey(), LinkKey: j.GetLinkKey(),
	})
}

// CheckJoining returns why a joining would not make its node a member now; nil if it would.
// A host asks before it orders one, so that strangers can't fill the log.
func (s *State) CheckJoining(j *meshosv1.Joining) error {
	if r := s.checkJoining(j, s.checkJoiningSignatures(j)); r != nil {
		return r
	}
	return nil
}

func (s *State) checkJoiningSignatures(j *meshosv1.Joining) error {
	token, open := s.tokens[mesh.NodeID(j.GetNode())]
	over := joiningBytes(j)
	switch {
	case over == nil || len(j.GetKey()) != ed25519.PublicKeySize:
		return fmt.Errorf("it is damaged")
	case !open:
		return nil // which is said before
	case !ed25519.Verify(token.TokenKey[:], over, j.GetTokenSignature()):
		return fmt.Errorf("the signature of the token's key is wrong")
	case !ed25519.Verify(j.GetKey(), over, j.GetKeySignature()):
		return fmt.Errorf("the signature of the node's key is wrong")
	}
	return nil
}
