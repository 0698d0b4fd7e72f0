package cluster

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// MaxEntry bounds an encoded entry, in bytes.
const MaxEntry = 256 << 10

// What a node's key signs begins with one of these, so that a signature of the one never is
// one of the other.
const (
	entryContext   = "meshos entry 1\n"
	joiningContext = "meshos joining 1\n"
)

// Hash is the hash of an entry with the time at which the log took it, or that of a state. The
// zero value stands for none.
type Hash [sha256.Size]byte

// String returns the first digits of the hash, as people compare them.
func (h Hash) String() string { return hex.EncodeToString(h[:6]) }

// bytes returns the hash as messages have it: empty for none.
func (h Hash) bytes() []byte {
	if h == (Hash{}) {
		return nil
	}
	return h[:]
}

// HashOf returns the hash of an entry, which the next one holds.
func HashOf(logged *meshosv1.LoggedEntry) Hash {
	h := sha256.New()
	_ = binary.Write(h, binary.BigEndian, logged.GetLogTime().AsTime().UnixNano())
	h.Write(logged.GetEntry())
	return Hash(h.Sum(nil))
}

// Signer signs with the key of a node; what it signs says itself what it is.
type Signer interface{ Sign(message []byte) []byte }

// Seal gives an entry its place behind a state and the signature of a node, and returns its
// encoding. The entry has its order and its time.
func (s *State) Seal(e *meshosv1.OrderedEntry, by mesh.NodeID, at time.Time, key Signer) ([]byte, error) {
	e.Height, e.Prev, e.By, e.At, e.NodeSignature = s.height+1, s.head.bytes(), uint64(by), timestamppb.New(at), nil
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode an entry of the log: %w", err)
	}
	signature := key.Sign(append([]byte(entryContext), raw...))
	raw = append(append(raw, signatureTag...), signature...)
	if len(raw) > MaxEntry {
		return nil, fmt.Errorf("the order has %d bytes, and the log takes at most %d", len(raw), MaxEntry)
	}
	return raw, nil
}

// signatureTag is what the signature at the end of an entry begins with: the tag of the field
// and its length.
const signatureTag = "\x7a\x40"

// split takes the signature from the end of an encoded entry.
func split(raw []byte) (signed, signature []byte, ok bool) {
	at := len(raw) - len(signatureTag) - ed25519.SignatureSize
	if at < 0 || string(raw[at:at+len(signatureTag)]) != signatureTag {
		return nil, nil, false
	}
	return raw[:at], raw[at+len(signatureTag):], true
}

// entry is a decoded entry of the log.
type entry struct {
	*meshosv1.OrderedEntry
	logged    *meshosv1.LoggedEntry
	logTime   time.Time // as the log says; see State.at
	signed    []byte    // what the signature is over
	signature []byte
	hash      Hash
	command   rules.Command // of a commit
	malformed *rules.Rejection
}

// decode reads an entry. The error is a *DamagedError, or a *NewerError with the entry.
func decode(logged *meshosv1.LoggedEntry) (entry, error) {
	raw := logged.GetEntry()
	bad := func(height uint64, format string, args ...any) (entry, error) {
		return entry{}, &DamagedError{Height: height, Why: fmt.Sprintf(format, args...)}
	}
	if len(raw) > MaxEntry {
		return bad(0, "it has %d bytes, and an entry has at most %d", len(raw), MaxEntry)
	}
	var e meshosv1.OrderedEntry
	if err := proto.Unmarshal(raw, &e); err != nil {
		return bad(0, "it can't be read")
	}
	height := e.GetHeight()
	switch at := logged.GetLogTime(); {
	case height == 0 || height == math.MaxUint64:
		return bad(0, "it has no height")
	case !at.IsValid() || at.GetSeconds() < 0 || at.GetSeconds() > math.MaxInt64/int64(time.Second)-1:
		return bad(height, "the time at which the log took it is missing or wrong")
	case !e.GetAt().IsValid():
		return bad(height, "it has no time")
	case len(e.GetPrev()) != 0 && len(e.GetPrev()) != sha256.Size || (height == 1) != (len(e.GetPrev()) == 0):
		return bad(height, "it does not name the entry before it")
	}
	out := entry{OrderedEntry: &e, logged: logged, logTime: logged.GetLogTime().AsTime(), hash: HashOf(logged)}
	var ok bool
	if out.signed, out.signature, ok = split(raw); !ok {
		return bad(height, "it does not end with the signature of a node")
	}
	if err := checkKnown(&e); err != nil {
		return out, err
	}
	if c := e.GetCommit(); c != nil {
		out.command, out.malformed = rules.Decode(c.GetPayload())
	}
	if _, founding := e.GetOrder().(*meshosv1.OrderedEntry_Founding); founding != (height == 1) {
		return bad(height, "the first entry, and no other, founds a mesh")
	}
	return out, nil
}

// checkKnown returns an error if a newer version made the entry.
func checkKnown(e *meshosv1.OrderedEntry) error {
	if e.GetOrder() == nil || wire.HasUnknown(e.ProtoReflect()) {
		return &NewerError{Height: e.GetHeight()}
	}
	c := e.GetCommit()
	if c == nil {
		return nil
	}
	var command meshosv1.AdminCommand
	if err := proto.Unmarshal(c.GetPayload(), &command); err != nil {
		return nil //nolint:nilerror // it is void, for every version
	}
	if wire.HasUnknown(command.ProtoReflect()) {
		return &NewerError{Height: e.GetHeight()}
	}
	return nil
}
