package journal

import (
	"strconv"
	"time"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// plainEncoder encodes the entries that come in floods without making messages of them: their
// lines are those of Encode, byte for byte. Its buffers are used again.
type plainEncoder struct {
	line  []byte
	at    mesh.Stamp
	stamp []byte // of at, as it stands in a line
}

// encode returns the line of an entry, which is valid until the next call. It returns false for
// an entry that Encode has to encode.
func (p *plainEncoder) encode(e Entry) ([]byte, bool) {
	heard, is := e.Input.(mesh.Heard)
	if !is || heard.Ordered != nil || e.Index == 0 || !p.stampOf(e.At) {
		return nil, false
	}
	b := append(p.line[:0], firstBytes...)
	b = strconv.AppendUint(b, e.Index, 10)
	b = append(b, '"')
	b = append(b, p.stamp...)
	switch ev := heard.Event.(type) {
	case mesh.RTTSample:
		if ev != (mesh.RTTSample{Peer: ev.Peer, RTT: ev.RTT}) || ev.Peer == 0 || ev.RTT <= 0 {
			return nil, false
		}
		b = append(b, `"event":{"rtt_sample":{"peer":"`...)
		b = strconv.AppendUint(b, uint64(ev.Peer), 10)
		b = append(b, `","rtt":"`...)
		b = appendDuration(b, ev.RTT)
		b = append(b, `"}}}`...)
	case mesh.HealthSample:
		name, known := meshosv1.NodeHealth_name[int32(ev.Health)]
		if ev != (mesh.HealthSample{Peer: ev.Peer, Health: ev.Health}) || ev.Peer == 0 || ev.Health == 0 || !known {
			return nil, false
		}
		b = append(b, `"event":{"node_health":{"peer":"`...)
		b = strconv.AppendUint(b, uint64(ev.Peer), 10)
		b = append(b, `","health":"`...)
		b = append(b, name...)
		b = append(b, `"}}}`...)
	case mesh.ReplicaUpdate:
		name, known := meshosv1.ReplicaUpdate_Kind_name[int32(ev.Change)]
		if ev.Chain == 0 || ev.Holder == 0 || ev.Change == 0 || !known {
			return nil, false
		}
		b = append(b, `"event":{"replica_update":{"kind":"`...)
		b = append(b, name...)
		b = append(b, `","chain":"`...)
		b = strconv.AppendUint(b, uint64(ev.Chain), 10)
		b = append(b, `","holder":"`...)
		b = strconv.AppendUint(b, uint64(ev.Holder), 10)
		b = append(b, `"}}}`...)
	default:
		return nil, false
	}
	p.line = append(b, '\n')
	return p.line, true
}

// stampOf writes a stamp to p.stamp. Many entries in a row have the same one.
func (p *plainEncoder) stampOf(at mesh.Stamp) bool {
	if len(p.stamp) > 0 && at.At == p.at.At && at.Wall.Equal(p.at.Wall) {
		return true
	}
	p.stamp = p.stamp[:0]
	if at.At < 0 || at.Wall.Year() < 1970 || at.Wall.Year() > 9999 {
		return false
	}
	b := append(p.stamp, `,"at":"`...)
	b = appendDuration(b, time.Duration(at.At))
	b = append(b, `","wall":"`...)
	utc := at.Wall.UTC()
	b = utc.AppendFormat(b, "2006-01-02T15:04:05")
	b = appendNanos(b, utc.Nanosecond())
	p.stamp, p.at = append(b, `Z",`...), at
	return true
}

// appendDuration appends a duration that is not negative as protobuf's JSON has it: "1.500s".
func appendDuration(b []byte, d time.Duration) []byte {
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	b = appendNanos(b, int(d%time.Second))
	return append(b, 's')
}

// appendNanos appends a fraction of a second with 0, 3, 6 or 9 digits.
func appendNanos(b []byte, nanos int) []byte {
	digits, scale := 9, 100_000_000
	switch {
	case nanos == 0:
		return b
	case nanos%1_000_000 == 0:
		digits = 3
	case nanos%1_000 == 0:
		digits = 6
	}
	b = append(b, '.')
	for range digits {
		b = append(b, byte('0'+nanos/scale%10))
		scale /= 10
	}
	return b
}
