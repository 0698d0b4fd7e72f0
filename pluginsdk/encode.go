package pluginsdk

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// encoded is an answer that is encoded already. The codec sends it as it is.
type encoded []byte

// encodedOf returns the encoding of an answer that consists of nothing else than what
// encodeRTT made; nil for any other.
func encodedOf(answer any) encoded {
	rtt, ok := answer.(*pluginv1.RttSamples)
	if !ok || len(rtt.GetPeers()) > 0 {
		return nil
	}
	return encoded(rtt.ProtoReflect().GetUnknown())
}

// buffers hands the encoding to gRPC, which gives its memory back once it is sent.
func (e encoded) buffers() mem.BufferSlice {
	data := []byte(e)
	return mem.BufferSlice{mem.NewBuffer(&data, encodings)}
}

// encodings is the memory of answers that were sent.
var encodings = &encodingPool{}

// encodingPool implements mem.BufferPool for answers of about the same size.
type encodingPool struct{ free sync.Pool }

// Get implements mem.BufferPool.
func (p *encodingPool) Get(length int) *[]byte {
	if b, ok := p.free.Get().(*[]byte); ok && cap(*b) >= length {
		*b = (*b)[:length]
		return b
	}
	b := make([]byte, length)
	return &b
}

// Put implements mem.BufferPool.
func (p *encodingPool) Put(b *[]byte) { p.free.Put(b) }

// columns are the packed columns of RttSamples behind peers, by the number of their field.
type columns [13][]byte

var columnsPool = sync.Pool{New: func() any { return new(columns) }}

// The fields of RttSamples.
const (
	fieldPeers, fieldRTT, fieldComplete, fieldSent, fieldReceived, fieldJitter, fieldReasons = 1, 2, 3, 4, 5, 6, 7
	fieldLate, fieldRounds, fieldUnanswered, fieldNoAnswer, fieldFamilies                    = 8, 9, 10, 11, 12
)

// encodeRTT is rttToWire and its encoding in one: the columns of a large answer are neither
// collected nor measured first. The message that it returns has them as a field that is not
// known, which is sent as it is. nil if a text is not UTF-8: then the codec says which.
func encodeRTT(samples []RTTSample, complete bool) *pluginv1.RttSamples {
	c := columnsPool.Get().(*columns)
	defer columnsPool.Put(c)
	texts, valid := c.fill(samples)
	if !valid {
		return nil
	}
	size := 8*len(samples) + texts + 32
	for _, column := range c {
		size += len(column) + 8
	}
	b := (*encodings.Get(size))[:0]
	if len(samples) > 0 {
		b = binary.AppendUvarint(protowire.AppendTag(b, fieldPeers, protowire.BytesType), 8*uint64(len(samples)))
		for i := range samples {
			b = binary.LittleEndian.AppendUint64(b, samples[i].Peer)
		}
	}
	for field, column := range c {
		switch {
		case field == fieldComplete && complete:
			b = append(protowire.AppendTag(b, fieldComplete, protowire.VarintType), 1)
		case field == fieldReasons && texts > 0:
			for i := range samples {
				b = protowire.AppendString(protowire.AppendTag(b, fieldReasons, protowire.BytesType), reasonOf(&samples[i]))
			}
		case len(column) > 0:
			b = protowire.AppendBytes(protowire.AppendTag(b, protowire.Number(field), protowire.BytesType), column)
		}
	}
	out := &pluginv1.RttSamples{}
	out.ProtoReflect().SetUnknown(b)
	return out
}

// reasonOf returns why there is no round-trip time, in words.
func reasonOf(s *RTTSample) string { return cmp.Or(s.Reason, s.NoAnswer.String()) }

// atOnce is how many samples are encoded at once, column by column: they stay in the
// processor's cache.
const atOnce = 256

// fill encodes the columns of numbers. A column stays empty if all of its values are zero. It
// returns how many bytes the reasons take at most, and whether they can be sent.
func (c *columns) fill(samples []RTTSample) (texts int, valid bool) {
	for i := range c {
		c[i] = c[i][:0]
	}
	var values [atOnce]uint64
	for done := 0; done < len(samples); done += atOnce {
		part := samples[done:min(done+atOnce, len(samples))]
		v := values[:len(part)]
		for field := range c {
			used := uint64(0)
			switch field {
			case fieldRTT:
				for i := range part {
					v[i] = uint64(part[i].RTT)
				}
				used = 1 // it may not be left out
			case fieldSent:
				for i := range part {
					v[i] = uint64(part[i].Sent)
					used |= v[i]
				}
			case fieldReceived:
				for i := range part {
					v[i] = uint64(part[i].Received)
					used |= v[i]
				}
			case fieldJitter:
				for i := range part {
					v[i] = uint64(part[i].Jitter)
					used |= v[i]
				}
			case fieldLate:
				for i := range part {
					v[i] = uint64(part[i].Late)
					used |= v[i]
				}
			case fieldRounds:
				for i := range part {
					v[i] = part[i].Round
					used |= v[i]
				}
			case fieldUnanswered:
				for i := range part {
					v[i] = uint64(part[i].Unanswered)
					used |= v[i]
				}
			case fieldNoAnswer:
				for i := range part {
					v[i] = uint64(part[i].NoAnswer)
					used |= v[i]
				}
			case fieldFamilies:
				for i := range part {
					v[i] = uint64(part[i].Family)
					used |= v[i]
				}
			case fieldReasons:
				for i := range part {
					if s := &part[i]; s.Reason != "" || s.NoAnswer != 0 {
						reason := reasonOf(s)
						if !utf8.ValidString(reason) {
							return 0, false
						}
						texts += len(reason)
					}
				}
				continue
			}
			if used == 0 && len(c[field]) == 0 {
				continue
			}
			if len(c[field]) == 0 { // those before are zero
				c[field] = append(c[field], make([]byte, done)...)
			}
			c[field] = appendNumbers(c[field], v)
		}
	}
	if texts > 0 {
		texts += len(samples) * (1 + binary.MaxVarintLen32)
	}
	return texts, true
}

// appendNumbers appends numbers, seven bits to a byte, the lowest first.
func appendNumbers(b []byte, values []uint64) []byte {
	b = slices.Grow(b, len(values)*binary.MaxVarintLen64)
	to, at := b[len(b):cap(b)], 0
	for _, v := range values {
		for v >= 0x80 {
			to[at] = byte(v) | 0x80
			v >>= 7
			at++
		}
		to[at] = byte(v)
		at++
	}
	return b[:len(b)+at]
}
