package segment

import (
	"bytes"
	"io"
)

// zeros says whether a file holds nothing but zeros from one offset to another.
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

// frameBehind says whether a whole frame with a right checksum stands anywhere
// between two offsets, or may stand there. Then a length before it was damaged: a write that was torn has
// nothing behind it.
func frameBehind(at io.ReaderAt, from, to int64) bool {
	// Only what is near is looked at: a record that is damaged has its successor
	// within the largest record, and the bytes of a torn one are few.
	const window = 2 * MaxPayload
	// Nor is all the time in the world spent on what somebody made to look like one
	// frame after the other: that is no torn write either.
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
		if err != nil || FrameSize(length) > int64(len(raw)-i) {
			continue
		}
		if budget -= FrameSize(length); budget < 0 {
			return true
		}
		frame := raw[i : i+int(FrameSize(length))]
		if checkFrame(frame, Hash(frame[lengthSize+crcSize:kindAt])) == nil {
			return true
		}
	}
	return false
}
