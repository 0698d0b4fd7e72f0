package main

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Events of the kinds that come by the million are read by a small decoder of their own, which
// makes nothing but the bytes that are sent. It takes what is written plainly: names as in the
// contract, no escapes, no null. Whatever else there is it leaves to protojson, with which it
// agrees on all that it takes.

// form is how a field is written.
type form uint8

const (
	formUint64 form = iota
	formUint32
	formDuration
	formText
	formEnum
)

type fastField struct {
	number protowire.Number
	form   form
	enum   map[string]int32
}

type fastKind struct {
	number protowire.Number // in Event
	fields map[string]fastField
}

// fastDecoder decodes events of common kinds. Its buffer is used again.
type fastDecoder struct {
	kinds map[string]fastKind
	body  []byte
}

func newFastDecoder() *fastDecoder {
	u64 := func(n protowire.Number) fastField { return fastField{number: n, form: formUint64} }
	u32 := func(n protowire.Number) fastField { return fastField{number: n, form: formUint32} }
	text := func(n protowire.Number) fastField { return fastField{number: n, form: formText} }
	span := func(n protowire.Number) fastField { return fastField{number: n, form: formDuration} }
	enum := func(n protowire.Number, names map[string]int32) fastField {
		return fastField{number: n, form: formEnum, enum: names}
	}
	return &fastDecoder{kinds: map[string]fastKind{
		"replica_update": {1, map[string]fastField{"kind": enum(1, meshosv1.ReplicaUpdate_Kind_value), "chain": u64(2), "holder": u64(3)}},
		"replica_leader": {2, map[string]fastField{"chain": u64(1), "leader": u64(2)}},
		"rtt_sample": {5, map[string]fastField{
			"peer": u64(1), "rtt": span(2), "sent": u32(3), "received": u32(4), "jitter": span(5), "reason": text(6), "late": u32(7),
			"round": u64(8), "unanswered": u32(9),
		}},
		"node_health": {6, map[string]fastField{"peer": u64(1), "health": enum(2, meshosv1.NodeHealth_value), "reason": text(3)}},
		"log_line":    {9, map[string]fastField{"level": enum(1, meshosv1.LogLevel_value), "daemon_id": u64(2), "message": text(3), "source": text(4)}},
	}}
}

// decode appends the encoded event that a line of JSON holds to dst. It returns false if the
// line is not such an event written plainly.
func (d *fastDecoder) decode(dst, line []byte) ([]byte, bool) {
	in := scan{text: line}
	if !in.take('{') {
		return dst, false
	}
	name, ok := in.plain()
	kind, known := d.kinds[string(name)]
	if !ok || !known || !in.take(':') || !in.take('{') || !d.fields(&in, kind) || !in.take('}') || in.skip() {
		return dst, false
	}
	dst = protowire.AppendTag(dst, kind.number, protowire.BytesType)
	return protowire.AppendBytes(dst, d.body), true
}

// fields decodes the rest of a message's object into body.
func (d *fastDecoder) fields(in *scan, kind fastKind) bool {
	d.body = d.body[:0]
	if in.take('}') {
		return true
	}
	seen := uint64(0)
	for {
		name, ok := in.plain()
		f, known := kind.fields[string(name)]
		if !ok || !known || seen&(1<<f.number) != 0 || !in.take(':') || !d.value(in, f) {
			return false
		}
		seen |= 1 << f.number
		if in.take('}') {
			return true
		}
		if !in.take(',') {
			return false
		}
	}
}

func (d *fastDecoder) value(in *scan, f fastField) bool {
	switch f.form {
	case formUint64, formUint32:
		n, ok := in.uint()
		if !ok || f.form == formUint32 && n > 1<<32-1 {
			return false
		}
		d.body = protowire.AppendVarint(protowire.AppendTag(d.body, f.number, protowire.VarintType), n)
		return true
	}
	raw, ok := in.plain()
	if !ok {
		return false
	}
	switch f.form {
	case formDuration:
		seconds, nanos, ok := plainDuration(raw)
		if !ok {
			return false
		}
		size := 0
		if seconds > 0 {
			size += 1 + protowire.SizeVarint(seconds)
		}
		if nanos > 0 {
			size += 1 + protowire.SizeVarint(nanos)
		}
		d.body = protowire.AppendVarint(protowire.AppendTag(d.body, f.number, protowire.BytesType), uint64(size))
		if seconds > 0 {
			d.body = protowire.AppendVarint(protowire.AppendTag(d.body, 1, protowire.VarintType), seconds)
		}
		if nanos > 0 {
			d.body = protowire.AppendVarint(protowire.AppendTag(d.body, 2, protowire.VarintType), nanos)
		}
	case formEnum:
		n, known := f.enum[string(raw)]
		if !known {
			return false
		}
		d.body = protowire.AppendVarint(protowire.AppendTag(d.body, f.number, protowire.VarintType), uint64(n))
	default:
		d.body = protowire.AppendBytes(protowire.AppendTag(d.body, f.number, protowire.BytesType), raw)
	}
	return true
}

// plainDuration reads "1.5s".
func plainDuration(raw []byte) (seconds, nanos uint64, ok bool) {
	if len(raw) < 2 || raw[len(raw)-1] != 's' {
		return 0, 0, false
	}
	raw = raw[:len(raw)-1]
	i := 0
	for i < len(raw) && isDigit(raw[i]) {
		seconds = 10*seconds + uint64(raw[i]-'0')
		i++
	}
	if i == 0 || i > 11 || i > 1 && raw[0] == '0' {
		return 0, 0, false
	}
	if i == len(raw) {
		return seconds, 0, true
	}
	fraction := raw[i+1:]
	if raw[i] != '.' || len(fraction) == 0 || len(fraction) > 9 {
		return 0, 0, false
	}
	for k := range 9 {
		nanos *= 10
		if k < len(fraction) {
			if !isDigit(fraction[k]) {
				return 0, 0, false
			}
			nanos += uint64(fraction[k] - '0')
		}
	}
	return seconds, nanos, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// scan reads JSON that is written plainly.
type scan struct {
	text []byte
	at   int
}

// skip skips white space, and reports whether there is more text.
func (s *scan) skip() (more bool) {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return true
		}
	}
	return false
}

// take takes one character, if it is next.
func (s *scan) take(c byte) bool {
	if !s.skip() || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// plain reads a text without escapes.
func (s *scan) plain() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	begin, ascii := s.at, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			text := s.text[begin:s.at]
			s.at++
			return text, ascii || utf8.Valid(text)
		case c == '\\' || c < 0x20:
			return nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// uint reads digits, in quotes or not.
func (s *scan) uint() (n uint64, ok bool) {
	if !s.skip() {
		return 0, false
	}
	quoted := s.text[s.at] == '"'
	if quoted {
		s.at++
	}
	begin := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		n = 10*n + uint64(s.text[s.at]-'0')
		s.at++
	}
	digits := s.at - begin
	if digits == 0 || digits > 19 || digits > 1 && s.text[begin] == '0' {
		return 0, false
	}
	if quoted {
		return n, s.at < len(s.text) && s.closing()
	}
	return n, s.at < len(s.text) && (s.text[s.at] == ',' || s.text[s.at] == '}' || s.text[s.at] == ' ')
}

// closing takes the quote behind a number, with nothing in between.
func (s *scan) closing() bool {
	if s.text[s.at] != '"' {
		return false
	}
	s.at++
	return true
}
