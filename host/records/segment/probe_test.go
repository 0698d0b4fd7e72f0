package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/segment"
)

// Every four bytes something begins that looks like a frame of 8 MiB: checking them all
// takes hours.
func TestATailFullOfFakeFramesIsNotReadForHours(t *testing.T) {
	_, raw, err := segment.Begin(segment.Header{Chain: "audit", Number: 1, First: 1, Follows: segment.FollowsNothing, Created: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	tail := bytes.Repeat([]byte{2, 0, 0x80, 0}, 4<<20-16)
	binary.LittleEndian.PutUint32(tail, segment.MaxPayload) // more than there is
	raw = append(raw, tail...)
	r, err := segment.NewReader("x", bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Next()
	var d *segment.DamageError
	if errors.Is(err, io.EOF) || !errors.As(err, &d) || d.Torn || d.Number != 1 || d.Offset != segment.HeaderSize {
		t.Errorf("got %v", err)
	}
}
