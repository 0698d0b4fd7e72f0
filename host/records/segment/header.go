package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Version is the version of the format.
const Version = 1

// HeaderSize is the size of every file's header, in bytes.
const HeaderSize = 128

const (
	magic     = "meshrec\n"
	chainSize = 16
)

// Follows is the reason why a file was begun.
type Follows uint8

// What a file follows.
const (
	FollowsNothing Follows = iota + 1 // the first of its chain
	FollowsSealed                     // a file that was full
	FollowsDamage                     // the last valid record before damage
	FollowsFailure                    // the last record on disk before a write failed
)

// Header is the beginning of a file.
type Header struct {
	Chain   string // "audit", "log" …
	Number  uint64 // of this file in its chain, from 1
	First   uint64 // number of its first record in the chain, from 1
	Follows Follows
	// Of the file before: its number, the offset up to which it is valid, and the hash
	// there. All zero for the first.
	PrevNumber uint64
	PrevEnd    int64
	PrevHash   Hash
	Created    time.Time
}

// encode returns the header's bytes and the hash that the first frame links to.
func (h Header) encode() ([]byte, Hash, error) {
	if h.Chain == "" || len(h.Chain) > chainSize {
		return nil, Hash{}, fmt.Errorf("a chain can't be named %q", h.Chain)
	}
	b := make([]byte, 0, HeaderSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, Version)
	b = append(b, byte(h.Follows), 0)
	b = append(b, h.Chain...)
	b = append(b, make([]byte, chainSize-len(h.Chain))...)
	b = binary.LittleEndian.AppendUint64(b, h.Number)
	b = binary.LittleEndian.AppendUint64(b, h.First)
	b = binary.LittleEndian.AppendUint64(b, h.PrevNumber)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.PrevEnd))
	b = append(b, h.PrevHash[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.Created.UnixNano()))
	b = append(b, make([]byte, HeaderSize-4-len(b))...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	return b, sha256.Sum256(b), nil
}

// Why a header is not valid.
var (
	errHeaderShort = errors.New("its header is incomplete")
	errHeaderCRC   = errors.New("its header's checksum is wrong")
	errHeader      = errors.New("its header can't be read")
)

// decodeHeader reads a header and returns the hash that the first frame links to.
func decodeHeader(b []byte) (Header, Hash, error) {
	if len(b) < HeaderSize {
		return Header{}, Hash{}, errHeaderShort
	}
	b = b[:HeaderSize]
	if string(b[:len(magic)]) != magic {
		return Header{}, Hash{}, errHeader
	}
	crc := b[HeaderSize-4:]
	if binary.LittleEndian.Uint32(crc) != crc32.Checksum(b[:HeaderSize-4], crc32.MakeTable(crc32.Castagnoli)) {
		return Header{}, Hash{}, errHeaderCRC
	}
	if v := binary.LittleEndian.Uint16(b[8:]); v != Version {
		return Header{}, Hash{}, fmt.Errorf("it is of format version %d; this version of meshos reads %d", v, Version)
	}
	h := Header{
		Follows:    Follows(b[10]),
		Chain:      cString(b[12 : 12+chainSize]),
		Number:     binary.LittleEndian.Uint64(b[28:]),
		First:      binary.LittleEndian.Uint64(b[36:]),
		PrevNumber: binary.LittleEndian.Uint64(b[44:]),
		PrevEnd:    int64(binary.LittleEndian.Uint64(b[52:])),
		PrevHash:   Hash(b[60:92]),
		Created:    time.Unix(0, int64(binary.LittleEndian.Uint64(b[92:]))).UTC(),
	}
	again, hash, err := h.encode()
	if err != nil || string(again) != string(b) || h.Number == 0 || h.First == 0 || h.PrevEnd < 0 ||
		h.Follows < FollowsNothing || h.Follows > FollowsFailure {
		return Header{}, Hash{}, errHeader
	}
	return h, hash, nil
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
