package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Encode returns the line of an entry, with the newline. Equal entries have equal lines. It
// refuses an entry that could not be read again.
func Encode(e Entry) ([]byte, error) {
	out, err := entryToProto(e)
	if err != nil {
		return nil, fmt.Errorf("journal entry %d: %w", e.Index, err)
	}
	out.Index = e.Index
	wire.StampEntry(out, e.At)
	if _, err := wire.StampFromProto(out); err != nil {
		return nil, fmt.Errorf("journal entry %d: %w", e.Index, err)
	}
	line, err := oneLine(out)
	if err != nil {
		return nil, fmt.Errorf("journal entry %d: %w", e.Index, err)
	}
	line = append(line, '\n')
	if len(line) > MaxLine {
		return nil, fmt.Errorf("journal entry %d: is %d bytes long; a line has at most %d", e.Index, len(line), MaxLine)
	}
	return line, nil
}

func entryToProto(e Entry) (*meshosv1.JournalEntry, error) {
	switch {
	case e.Boot != nil:
		return bootToProto(e.Boot, e.At), nil
	case e.Tick != nil:
		return tickToProto(e.Tick), nil
	}
	if in, ok := e.Input.(mesh.Reload); ok {
		text, err := reloadText(in.Desired)
		if err != nil {
			return nil, err
		}
		return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Reload{Reload: &meshosv1.Reload{ConfigToml: text}}}, nil
	}
	out, err := wire.InputToProto(e.Input)
	if err != nil {
		return nil, err
	}
	// An entry that cannot be read again would end every replay.
	if _, err := wire.InputFromProto(out); err != nil {
		return nil, err
	}
	return out, nil
}

func bootToProto(b *Boot, at mesh.Stamp) *meshosv1.JournalEntry {
	boot := &meshosv1.Boot{Node: uint64(b.Node), Epoch: b.Epoch, ConfigToml: b.ConfigTOML}
	if b.FreezeRemaining > 0 {
		boot.FreezeRemaining = durationpb.New(b.FreezeRemaining)
	}
	if !b.Orders.Empty() {
		boot.Orders = wire.OrdersToProto(b.Orders, at)
	}
	return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Boot{Boot: boot}}
}

func tickToProto(t *Tick) *meshosv1.JournalEntry {
	tick := &meshosv1.Tick{Early: t.Early}
	if t.Room != AllRoom {
		room := uint32(min(max(0, t.Room), math.MaxUint32))
		tick.QueueRoom = &room
	}
	return &meshosv1.JournalEntry{Input: &meshosv1.JournalEntry_Tick{Tick: tick}}
}

// oneLine returns a message as JSON, without the white space that protojson varies on
// purpose.
func oneLine(m proto.Message) ([]byte, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("as JSON: %w", err)
	}
	var b bytes.Buffer
	b.Grow(len(raw) + 1)
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("as JSON: %w", err)
	}
	return b.Bytes(), nil
}
