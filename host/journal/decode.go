package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// decode reads one line. Its error does not name the line.
func decode(line []byte) (Entry, error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return Entry{}, errors.New("an empty line is not an entry")
	}
	var in meshosv1.JournalEntry
	if err := protojson.Unmarshal(line, &in); err != nil {
		return Entry{}, errors.New(jsonProblem(err))
	}
	at, err := wire.StampFromProto(&in)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Index: in.GetIndex(), At: at}
	switch kind := in.GetInput().(type) {
	case *meshosv1.JournalEntry_Boot:
		e.Boot, err = bootFromProto(kind.Boot, at)
	case *meshosv1.JournalEntry_Tick:
		e.Tick = tickFromProto(kind.Tick)
	case *meshosv1.JournalEntry_Reload:
		var next *config.Config
		if next, err = readConfig("reload.config_toml", kind.Reload.GetConfigToml()); err == nil {
			e.Input = mesh.Reload{Desired: recordedDesired(next)}
		}
	default:
		e.Input, err = wire.InputFromProto(&in)
	}
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

func bootFromProto(in *meshosv1.Boot, at mesh.Stamp) (*Boot, error) {
	if in.GetNode() == 0 {
		return nil, &wire.FieldError{Path: "boot.node", Problem: "must not be 0"}
	}
	freeze, err := wire.FreezeFromProto(in)
	if err != nil {
		return nil, err
	}
	orders, err := wire.OrdersFromProto(in.GetOrders(), at)
	if err != nil {
		return nil, fmt.Errorf("boot.orders.%w", err)
	}
	cfg, err := readConfig("boot.config_toml", in.GetConfigToml())
	if err != nil {
		return nil, err
	}
	return &Boot{
		Node: mesh.NodeID(in.GetNode()), Epoch: in.GetEpoch(), ConfigTOML: in.GetConfigToml(),
		FreezeRemaining: freeze, Orders: orders, config: cfg,
	}, nil
}

func tickFromProto(in *meshosv1.Tick) *Tick {
	if in.QueueRoom == nil {
		return &Tick{Room: AllRoom, Early: in.GetEarly()}
	}
	return &Tick{Room: int(in.GetQueueRoom()), Early: in.GetEarly()}
}

// cutOff reports whether a line is only the beginning of an entry.
func cutOff(line []byte) bool {
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	var whole json.RawMessage
	err := json.NewDecoder(bytes.NewReader(line)).Decode(&whole)
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// jsonProblem returns protojson's message for people: without the white space that it
// varies on purpose, and without the line number, which is always 1.
func jsonProblem(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	text = strings.TrimPrefix(text, "proto: ")
	if before, after, found := strings.Cut(text, "(line 1:"); found {
		if column, rest, found := strings.Cut(after, "): "); found {
			if before = strings.TrimSpace(before); before != "" {
				before += ": "
			}
			return "column " + column + ": " + before + rest
		}
	}
	return text
}
