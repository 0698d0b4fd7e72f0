package journal

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
)

// TickLine returns what a tick decided as one line of JSON, without a newline:
//
//	{"tick":3,"at":"1.5s","actions":[…]}
//
// An early tick has "early":true before its actions.
//
// The actions are messages of the contract (Action), in the order in which they were handed
// out. Durations in them are relative to the tick.
func TickLine(t Ticked) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"tick":%d,"at":"%s",`, t.Number, seconds(t.At.At))
	if t.Early {
		b.WriteString(`"early":true,`)
	}
	b.WriteString(`"actions":[`)
	for i, emitted := range t.Actions {
		action, err := oneLine(wire.ActionToProto(emitted.Action, t.At.At))
		if err != nil {
			return nil, fmt.Errorf("tick %d: %w", t.Number, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(action)
	}
	b.WriteString("]}")
	return b.Bytes(), nil
}

// SnapshotLine returns a snapshot as one line of JSON, without a newline:
//
//	{"snapshot":{…}}
//
// Plugins, stats, scheduler and info are left out: they are added when a snapshot is published,
// and a journal does not record them.
func SnapshotLine(s *snapshot.Snapshot) ([]byte, error) {
	message := wire.SnapshotToProto(s)
	message.Plugins, message.Stats, message.Scheduler, message.Info = nil, nil, nil, nil
	raw, err := oneLine(message)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return fmt.Appendf(nil, `{"snapshot":%s}`, raw), nil
}

// seconds returns a time in the form of protobuf's JSON, with as few digits as possible.
func seconds(at mesh.Time) string {
	d := time.Duration(at)
	whole, rest := d/time.Second, d%time.Second
	if rest == 0 {
		return fmt.Sprintf("%ds", whole)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%09d", whole, rest), "0") + "s"
}
