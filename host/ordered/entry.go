package ordered

import (
	"crypto/sha256"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// hash is the SHA-256 of an encoded entry.
type hash = [sha256.Size]byte

// order returns an accepted order as the entry that keeps it, still without a place. It
// returns nil for an input that is not an order.
func (l *Log) order(in mesh.Input) *meshosv1.OrderedEntry {
	out := &meshosv1.OrderedEntry{By: uint64(l.opts.Node)}
	switch in := in.(type) {
	case mesh.JudgedCommit:
		out.Operators, out.Over = wire.OperatorsToProto(in.Operators), l.overs.of(mesh.AdminReceived{Event: in.Event}, l.opts.Node)
		if e := in.Envelope; e != nil {
			out.Order = &meshosv1.OrderedEntry_Commit{Commit: &meshosv1.SignedCommit{Payload: e.Payload, Signatures: e.Signatures}}
			return out
		}
		out.Order = &meshosv1.OrderedEntry_Event{Event: wire.EventToProto(mesh.AdminReceived{Event: in.Event, Reason: in.Reason})}
	case mesh.Heard:
		out.Over = l.overs.of(in.Event, l.opts.Node)
		out.Order = &meshosv1.OrderedEntry_Event{Event: wire.EventToProto(in.Event)}
	default:
		return nil
	}
	return out
}

// input returns what an entry makes a node fold.
func input(in *meshosv1.OrderedEntry) (mesh.Input, error) {
	place := mesh.Place{Height: in.GetHeight(), At: in.GetAt().AsTime()}
	switch kind := in.GetOrder().(type) {
	case *meshosv1.OrderedEntry_Commit:
		var command meshosv1.AdminCommand
		if err := proto.Unmarshal(kind.Commit.GetPayload(), &command); err != nil {
			return nil, fmt.Errorf("its command can't be read: %w", err)
		}
		event, err := wire.AdminFromProto(command.GetEvent())
		if err != nil {
			return nil, err
		}
		return mesh.JudgedCommit{
			Event: event, Operators: wire.OperatorsFromProto(in.GetOperators()), Ordered: place,
			Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted},
		}, nil
	case *meshosv1.OrderedEntry_Event:
		event, _, err := wire.EventFromProto(kind.Event)
		if err != nil {
			return nil, err
		}
		// It was accepted then, so it is not judged again.
		if command, is := event.(mesh.AdminReceived); is {
			return mesh.JudgedCommit{
				Event: command.Event, Operators: wire.OperatorsFromProto(in.GetOperators()), Ordered: place, Outcome: mesh.Verification{Verdict: mesh.VerdictUnverified},
			}, nil
		}
		return mesh.Heard{Event: event, Ordered: &place}, nil
	}
	return nil, fmt.Errorf("it holds no order that this version knows")
}

// placed sets the place of an entry behind the one before, and encodes it.
func placed(e *meshosv1.OrderedEntry, height uint64, prev hash, at time.Time) ([]byte, error) {
	e.Height, e.At, e.Prev = height, timestamppb.New(at), nil
	if prev != (hash{}) {
		e.Prev = prev[:]
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode an order: %w", err)
	}
	return raw, nil
}

// decode reads an entry. A *NewerError means that a newer version of meshos wrote it.
func decode(raw []byte) (*meshosv1.OrderedEntry, error) {
	var e meshosv1.OrderedEntry
	if err := proto.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	if e.GetHeight() == 0 || !e.GetAt().IsValid() || len(e.GetPrev()) != 0 && len(e.GetPrev()) != sha256.Size {
		return nil, fmt.Errorf("it has no place in the log")
	}
	if c := e.GetCommit(); c != nil {
		var command meshosv1.AdminCommand
		if err := proto.Unmarshal(c.GetPayload(), &command); err == nil && wire.HasUnknown(command.ProtoReflect()) {
			return nil, &NewerError{What: fmt.Sprintf("the order at height %d", e.GetHeight())}
		}
	}
	if wire.HasUnknown(e.ProtoReflect()) || e.GetOrder() == nil {
		return nil, &NewerError{What: fmt.Sprintf("the order at height %d", e.GetHeight())}
	}
	return &e, nil
}
