package segment

import (
	"bytes"
	"io"
)

// zeros reports whether a file holds nothing but zeros from one offset to another.
func zeros(at io.ReaderAt, from, to int64) bool {
	buf := make([]byte, max(0, min(64<<10, to-from)))
	for from < to {
		n, err := at.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		if n == 0 && err != nil {
			return false
		}
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return false
		}
		from += int64(n)
	}
	return true
}

// frameBehind reports whether a whole frame with a right checksum stands between two offsets,
// or may stand there. If so, the frame before it has a damaged length: behind a torn write
// there is nothing.
func frameBehind(at io.ReaderAt, from, to int64) bool {
	// The window is enough: the successor of a damaged record begins within the size of the
	// largest record.
	const window = 2 * MaxPayload
	// The budget bounds the time for bytes that somebody made to look like one frame after
	// the other, which is not a torn write either.
	budget := int64(1 << 30)
	raw := make([]byte, min(to-from, window))
	n, _ := at.ReadAt(raw, from)
	raw = raw[:n]
	for i := 0; i+frameHead <= len(raw); i++ {
		kind := Kind(raw[i+kindAt])
		if kind < KindRecord || kind > KindFooter {
			continue // the cheapest test first: this runs over every byte
		}
		length, err := payloadLength(raw[i:])
		if err != nil || frameSize(length) > int64(len(raw)-i) {
			continue
		}
		if budget -= frameSize(length); budget < 0 {
			return true
		}
		frame := raw[i : i+int(frameSize(length))]
		if checkFrame(frame, Hash(frame[lengthSize+crcSize:kindAt])) == nil {
			return true
		}
	}
	return false
}
