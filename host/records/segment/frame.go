package segment

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Hash links what follows to what stands before it.
type Hash [sha256.Size]byte

// Kind is what a frame holds.
type Kind uint8

// The kinds of frames.
const (
	KindRecord Kind = iota + 1
	KindGap         // records that were lost before they could be written
	KindFooter      // the last frame of a sealed file
)

// MaxPayload bounds the payload of a frame, in bytes.
const MaxPayload = 16 << 20

// A frame: length of the payload (4), CRC32C of all that follows (4), link (32),
// kind (1), payload. Numbers are little-endian.
const (
	lengthSize = 4
	crcSize    = 4
	kindAt     = lengthSize + crcSize + sha256.Size
	frameHead  = kindAt + 1
)

// frameSize returns the size in a file of a frame with a payload of n bytes.
func frameSize(n int) int64 { return int64(frameHead + n) }

// appendFrame appends a frame to dst and returns the hash that the next one links to.
func appendFrame(dst []byte, link Hash, kind Kind, payload []byte) ([]byte, Hash, error) {
	if len(payload) > MaxPayload {
		return dst, link, fmt.Errorf("a record of %d bytes is larger than %d", len(payload), MaxPayload)
	}
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, link[:]...)
	dst = append(dst, byte(kind))
	dst = append(dst, payload...)
	frame := dst[start:]
	binary.LittleEndian.PutUint32(frame[lengthSize:], checksum(frame))
	return dst, sha256.Sum256(frame), nil
}

// checksum covers the length and everything behind the CRC itself.
func checksum(frame []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(frame[:lengthSize], table), table, frame[lengthSize+crcSize:])
}

// Why a frame is not valid.
var (
	errLength = errors.New("its length is impossible")
	errCRC    = errors.New("its checksum is wrong")
	errLink   = errors.New("it does not link to the record before it")
	errKind   = errors.New("it is of an unknown kind")
	errBody   = errors.New("its content can't be read")
	errShort  = errors.New("it is incomplete")
)

// payloadLength reads the length of the payload from the first bytes of a frame.
func payloadLength(head []byte) (int, error) {
	n := binary.LittleEndian.Uint32(head)
	if n > MaxPayload {
		return 0, errLength
	}
	return int(n), nil
}

// checkFrame checks a whole frame against its CRC and its link.
func checkFrame(frame []byte, link Hash) error {
	if binary.LittleEndian.Uint32(frame[lengthSize:]) != checksum(frame) {
		return errCRC
	}
	if Hash(frame[lengthSize+crcSize:kindAt]) != link {
		return errLink
	}
	if k := Kind(frame[kindAt]); k < KindRecord || k > KindFooter {
		return errKind
	}
	return nil
}
