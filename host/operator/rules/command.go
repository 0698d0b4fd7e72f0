package rules

import (
	"crypto/sha256"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Bounds of a command.
const (
	MaxPayload = 64 << 10 // bytes
	NonceSize  = 16
	HashSize   = sha256.Size

	maxFreeze = 24 * time.Hour // as in the core, which checks it again
)

// Command is a decoded payload.
type Command struct {
	Event     mesh.AdminEvent
	Cluster   string
	IssuedAt  time.Time // whole milliseconds
	Nonce     Nonce
	BlastHash []byte      // empty, or HashSize bytes
	Reason    string      // why the command is given, for people
	OnlyOn    mesh.NodeID // the only node that takes it; 0 for none
}

// CommitID returns the SHA-256 of a payload, which identifies the command.
func CommitID(payload []byte) []byte {
	id := sha256.Sum256(payload)
	return id[:]
}

// Decode reads a payload as it was signed. If it is rejected as malformed, the returned
// command still has its Event, provided that the event itself is valid.
func Decode(payload []byte) (Command, *Rejection) {
	bad := func(format string, args ...any) *Rejection { return Reject(mesh.RejectMalformed, format, args...) }
	if len(payload) > MaxPayload {
		return Command{}, bad("the payload has %d bytes; a command has at most %d", len(payload), MaxPayload)
	}
	var in meshosv1.AdminCommand
	if err := proto.Unmarshal(payload, &in); err != nil {
		return Command{}, bad("the payload is not an AdminCommand")
	}
	event, err := wire.AdminFromProto(in.GetEvent())
	if err != nil {
		return Command{}, bad("the payload's event: %v", err)
	}
	out := Command{Event: event, Cluster: in.GetClusterId(), BlastHash: in.GetBlastHash(), Reason: in.GetReason(), OnlyOn: mesh.NodeID(in.GetOnlyOn())}
	if wire.HasUnknown(in.ProtoReflect()) {
		return out, bad("the payload has fields that this version does not know, so what was signed may mean more than this node understands")
	}
	if n := len(out.Reason); n > mesh.MaxReason {
		out.Reason = ""
		return out, bad("the reason has %d bytes; it may have at most %d", n, mesh.MaxReason)
	}
	if len(in.GetNonce()) != NonceSize {
		return out, bad("nonce has %d bytes instead of %d", len(in.GetNonce()), NonceSize)
	}
	out.Nonce = Nonce(in.GetNonce())
	if !in.GetIssuedAt().IsValid() {
		return out, bad("issued_at must be set to a valid time")
	}
	out.IssuedAt = in.GetIssuedAt().AsTime().Truncate(time.Millisecond)
	if n := len(out.BlastHash); n != 0 && n != HashSize {
		return out, bad("blast_hash has %d bytes instead of %d", n, HashSize)
	}
	if len(out.BlastHash) != 0 && !event.BreakGlass() {
		return out, bad("blast_hash is for break-glass commands, and %s is not one", event.Kind())
	}
	if why := CheckFreeze(event); why != "" {
		return out, bad("%s", why)
	}
	return out, nil
}

// CheckFreeze returns what is wrong with the length of a freeze, "" if nothing is or if
// the event is not a freeze.
func CheckFreeze(ev mesh.AdminEvent) string {
	if f, ok := ev.(mesh.FreezeCluster); ok && (f.TTL <= 0 || f.TTL > maxFreeze) {
		return "a freeze lasts more than 0 and at most " + maxFreeze.String() + ", not " + f.TTL.String()
	}
	return ""
}
