package segment

import (
	"encoding/binary"
	"time"
)

// Entry is a record of a chain, or a gap in it.
type Entry struct {
	Kind  Kind
	Epoch uint64
	Seq   uint64    // of a gap: of the last record that is missing
	Wall  time.Time // when it was made; of a gap: when it was found
	// Data is the record as protobuf. It is nil for a gap.
	Data []byte
	// Missing is how many records a gap stands for.
	Missing uint64
}

const entryHead = 24

// encode appends the payload of the entry's frame.
func (e Entry) encode(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, e.Epoch)
	dst = binary.LittleEndian.AppendUint64(dst, e.Seq)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Wall.UnixNano()))
	if e.Kind == KindGap {
		return binary.LittleEndian.AppendUint64(dst, e.Missing)
	}
	return append(dst, e.Data...)
}

// First returns the seq of the first record that the entry stands for.
func (e Entry) First() uint64 {
	if e.Kind == KindGap {
		return e.Seq - e.Missing + 1
	}
	return e.Seq
}

// decodeEntry reads the payload of a frame. The Data of the entry shares its memory.
func decodeEntry(kind Kind, payload []byte) (Entry, error) {
	if len(payload) < entryHead {
		return Entry{}, errBody
	}
	e := Entry{
		Kind:  kind,
		Epoch: binary.LittleEndian.Uint64(payload),
		Seq:   binary.LittleEndian.Uint64(payload[8:]),
		Wall:  time.Unix(0, int64(binary.LittleEndian.Uint64(payload[16:]))).UTC(),
	}
	if kind == KindRecord {
		e.Data = payload[entryHead:]
		return e, nil
	}
	if len(payload) != entryHead+8 {
		return Entry{}, errBody
	}
	e.Missing = binary.LittleEndian.Uint64(payload[entryHead:])
	if e.Missing == 0 || e.Missing > e.Seq {
		return Entry{}, errBody
	}
	return e, nil
}
