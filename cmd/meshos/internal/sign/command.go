package sign

import (
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Namespace is the namespace of the signatures: the -n of `ssh-keygen -Y sign`.
const Namespace = signers.Namespace

// Command is a command of an operator.
type Command struct {
	Event      *meshosv1.AdminEvent
	Kind       string // "freeze_cluster"
	BreakGlass bool
	Reason     string // why the operator gives it; "" if it is not known
	OnlyOn     uint64 // the only node that takes it, at its own door; 0: no such one
}

// NewCommand checks an event as a node will.
func NewCommand(event *meshosv1.AdminEvent) (Command, error) {
	checked, err := wire.AdminFromProto(event)
	if err != nil {
		return Command{}, err
	}
	return Command{Event: event, Kind: checked.Kind(), BreakGlass: checked.BreakGlass()}, nil
}

// Group is the command of meshos that the command belongs to: "admin" or "ice".
func (c Command) Group() string {
	if c.BreakGlass {
		return "ice"
	}
	return "admin"
}

// Encode returns the bytes to sign, with a new nonce. hash is that of the
// simulation of a break-glass command, and nil for any other command.
func (c Command) Encode(cluster string, hash []byte, now time.Time) ([]byte, error) {
	nonce := make([]byte, rules.NonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw a nonce: %w", err)
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(&meshosv1.AdminCommand{
		ClusterId: cluster, Event: c.Event, IssuedAt: timestamppb.New(now.Truncate(time.Millisecond)), Nonce: nonce, BlastHash: hash,
		Reason: c.Reason, OnlyOn: c.OnlyOn,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the command: %w", err)
	}
	return raw, nil
}
