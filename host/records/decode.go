package records

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Names returns the names of the chains, which are those of their folders, in the order in
// which people look for them.
func Names() []string {
	var out []string
	for c := mesh.ChainAudit; c <= mesh.ChainAction; c++ {
		out = append(out, c.String())
	}
	return out
}

// Decode decodes the record of an entry, and checks that it belongs to the named chain and has
// the epoch and seq of the entry.
func Decode(chain string, e segment.Entry) (*meshosv1.Record, error) {
	record := &meshosv1.Record{}
	if err := proto.Unmarshal(e.Data, record); err != nil {
		return nil, fmt.Errorf("it is not a record: %w", err)
	}
	var is mesh.RecordChain
	var at interface {
		GetEpoch() uint64
		GetSeq() uint64
	}
	hex := wire.EpochHex(e.Epoch) // which earlier versions did not write
	switch k := record.GetKind().(type) {
	case *meshosv1.Record_Audit:
		is, at, k.Audit.EpochHex = mesh.ChainAudit, k.Audit, hex
	case *meshosv1.Record_Log:
		is, at, k.Log.EpochHex = mesh.ChainLog, k.Log, hex
	case *meshosv1.Record_Failure:
		is, at, k.Failure.EpochHex = mesh.ChainFailure, k.Failure, hex
	case *meshosv1.Record_Action:
		is, at, k.Action.EpochHex = mesh.ChainAction, k.Action, hex
	default:
		return nil, errors.New("it is a record of an unknown kind")
	}
	if is.String() != chain {
		return nil, fmt.Errorf("it is a record of the %s chain", is)
	}
	if at.GetEpoch() != e.Epoch || at.GetSeq() != e.Seq {
		return nil, fmt.Errorf("it is seq %d of epoch %016x, and stored as seq %d of epoch %016x", at.GetSeq(), at.GetEpoch(), e.Seq, e.Epoch)
	}
	return record, nil
}
