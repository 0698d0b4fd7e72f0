package answers

import (
	"encoding/binary"
	"math/bits"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/meshos/meshos/host/mesh"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// EncodedRTT is an RttSamples message that LenientCodec leaves as it came, where its encoding is
// the usual one: its columns are read when its samples are made of them, and are never there
// as lists. What is encoded in another way is decoded as ever.
type EncodedRTT struct {
	free     func() // gives raw back
	columns  [13][]byte
	peers    int
	complete bool

	message *pluginv1.RttSamples // nil for the usual encoding
}

// Samples returns what RTT returns of the message. It is called once. memory returns a list of so
// many samples to write them to, whatever was in it.
func (e *EncodedRTT) Samples(peers *Peers, memory func(n int) []mesh.RTTSample) (mesh.RTTAnswer, Discarded, error) {
	if e.message != nil {
		return RTT(e.message, peers)
	}
	defer e.free()
	var bad Discarded
	out := mesh.RTTAnswer{Samples: memory(e.peers), Complete: e.complete}
	kept, nodes := 0, newSubjects(peers)
	var block block
	for from := 0; from < e.peers; from += atOnce {
		part := out.Samples[from:min(from+atOnce, e.peers)]
		clear(part) // columns may be left out
		clear(block.noAnswer[:])
		clear(block.families[:])
		e.decode(part, &block)
		for n := range part {
			if !keep(&part[n], block.noAnswer[n], block.families[n], nodes, &bad) {
				continue
			}
			if kept != from+n {
				out.Samples[kept] = part[n]
			}
			kept++
		}
	}
	out.Samples = out.Samples[:kept]
	return out, bad, nil
}

// atOnce is how many samples are decoded at once, column by column: they stay in the processor's
// cache.
const atOnce = 256

// block is what else belongs to so many samples.
type block struct {
	values   [atOnce]uint64
	noAnswer [atOnce]meshosv1.NoAnswer
	families [atOnce]meshosv1.AddressFamily
}

// decode takes the values of the next samples off the columns.
func (e *EncodedRTT) decode(to []mesh.RTTSample, b *block) {
	ids := e.columns[fieldPeers]
	for n := range to {
		to[n].Peer = mesh.NodeID(binary.LittleEndian.Uint64(ids[8*n:]))
	}
	e.columns[fieldPeers] = ids[8*len(to):]
	for field := fieldRTT; field < len(e.columns); field++ {
		column := e.columns[field]
		if len(column) == 0 {
			continue
		}
		if field == fieldReasons {
			for n := range to {
				to[n].Reason = reasonOf(nextText(&e.columns[field]))
			}
			continue
		}
		values := b.values[:len(to)]
		e.columns[field] = takeNumbers(column, values)
		switch field {
		case fieldRTT:
			for n, v := range values {
				to[n].RTT = time.Duration(v)
			}
		case fieldSent:
			for n, v := range values {
				to[n].Sent = uint32(v)
			}
		case fieldReceived:
			for n, v := range values {
				to[n].Received = uint32(v)
			}
		case fieldJitter:
			for n, v := range values {
				to[n].Jitter = time.Duration(v)
			}
		case fieldLate:
			for n, v := range values {
				to[n].Late = uint32(v)
			}
		case fieldRounds:
			for n, v := range values {
				to[n].Round = v
			}
		case fieldUnanswered:
			for n, v := range values {
				to[n].Unanswered = uint32(v)
			}
		case fieldNoAnswer:
			for n, v := range values {
				b.noAnswer[n] = meshosv1.NoAnswer(v)
			}
		case fieldFamilies:
			for n, v := range values {
				b.families[n] = meshosv1.AddressFamily(v)
			}
		}
	}
}

// takeNumbers takes numbers off a column that split has seen, so that it has them.
func takeNumbers(column []byte, to []uint64) (rest []byte) {
	at := 0
	for n := range to {
		v := uint64(column[at])
		at++
		if v >= 0x80 {
			v &= 0x7f
			for shift := 7; ; shift += 7 {
				b := uint64(column[at])
				at++
				v |= b & 0x7f << shift
				if b < 0x80 {
					break
				}
			}
		}
		to[n] = v
	}
	return column[at:]
}

// The fields of RttSamples.
const (
	fieldPeers, fieldRTT, fieldComplete, fieldReasons = 1, 2, 3, 7
	fieldSent, fieldReceived, fieldJitter, fieldLate  = 4, 5, 6, 8
	fieldRounds, fieldUnanswered, fieldNoAnswer       = 9, 10, 11
	fieldFamilies                                     = 12
)

// split finds the columns of an encoding, and reports whether it is the usual one: each
// column is there once, packed, and has as many values as there are peers, or is left out.
func (e *EncodedRTT) split(raw []byte) (usual bool) {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		if n < 0 || number >= protowire.Number(len(e.columns)) || e.columns[number] != nil {
			return false
		}
		switch {
		case number == fieldReasons && kind == protowire.BytesType:
			if n = e.texts(raw); n < 0 {
				return false
			}
			raw = raw[n:]
		case number == fieldComplete && kind == protowire.VarintType:
			value, m := protowire.ConsumeVarint(raw[n:])
			if m < 0 {
				return false
			}
			e.complete = value != 0
			raw = raw[n+m:]
		case number != fieldReasons && number != fieldComplete && kind == protowire.BytesType:
			column, m := protowire.ConsumeBytes(raw[n:])
			if m < 0 || len(column) == 0 {
				return false
			}
			e.columns[number], raw = column, raw[n+m:]
		default:
			return false
		}
	}
	ids := e.columns[fieldPeers]
	if len(ids)%8 != 0 || len(ids) > 0 && e.columns[fieldRTT] == nil {
		return false
	}
	e.peers = len(ids) / 8
	for number, column := range e.columns {
		switch {
		case number == fieldPeers, column == nil:
		case number == fieldReasons:
			if texts, _ := countTexts(column); texts != e.peers {
				return false
			}
		case !varints(column, e.peers):
			return false
		}
	}
	return true
}

// texts takes the texts with which an encoding goes on as the column of reasons, and returns how
// many bytes they have; -1 if they are not as they should be.
func (e *EncodedRTT) texts(raw []byte) int {
	_, size := countTexts(raw)
	e.columns[fieldReasons] = raw[:size:size]
	if size == 0 {
		return -1
	}
	return size
}

// countTexts returns how many texts in UTF-8 an encoding begins with, and how many bytes they have.
func countTexts(raw []byte) (count, size int) {
	for len(raw) > size && raw[size] == fieldReasons<<3|byte(protowire.BytesType) {
		text, n := protowire.ConsumeBytes(raw[size+1:])
		if n < 0 || !utf8.Valid(text) {
			break
		}
		count++
		size += 1 + n
	}
	return count, size
}

// nextText takes a text off the column of reasons.
func nextText(column *[]byte) string {
	text, n := protowire.ConsumeBytes((*column)[1:])
	*column = (*column)[1+n:]
	return string(text)
}

// varints reports whether a column has so many numbers, none of them longer than a number can be.
func varints(column []byte, want int) bool {
	const top = 0x8080808080808080
	if column[len(column)-1] >= 0x80 {
		return false
	}
	count, long := 0, false
	rest := column
	for ; len(rest) >= 8; rest = rest[8:] {
		more := binary.LittleEndian.Uint64(rest) & top
		count += 8 - bits.OnesCount64(more)
		long = long || more == top // only a number of more than eight bytes
	}
	for _, b := range rest {
		if b < 0x80 {
			count++
		}
	}
	return count == want && (!long || allFit(column))
}

// allFit reports whether all numbers of a column have the form of one.
func allFit(column []byte) bool {
	for len(column) > 0 {
		_, n := protowire.ConsumeVarint(column)
		if n < 0 {
			return false
		}
		column = column[n:]
	}
	return true
}
