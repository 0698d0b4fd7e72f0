package segment_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/segment"
)

// file returns a sealed file with a gap in it.
func file(t testing.TB) []byte {
	t.Helper()
	b, raw, err := segment.Begin(segment.Header{
		Chain: "audit", Number: 3, First: 7, Follows: segment.FollowsSealed, PrevNumber: 2, PrevEnd: 400, Created: time.Unix(1, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []segment.Entry{
		{Kind: segment.KindRecord, Epoch: 5, Seq: 1, Wall: time.Unix(2, 0).UTC(), Data: []byte("one")},
		{Kind: segment.KindGap, Epoch: 5, Seq: 4, Wall: time.Unix(3, 0).UTC(), Missing: 3},
		{Kind: segment.KindRecord, Epoch: 6, Seq: 1, Wall: time.Unix(4, 0).UTC()},
	} {
		if raw, err = b.Append(raw, e); err != nil {
			t.Fatal(err)
		}
	}
	if raw, err = b.Seal(raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSealedFileIsReadBack(t *testing.T) {
	raw := file(t)
	r, err := segment.NewReader("x", bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if h := r.Header(); h.Number != 3 || h.First != 7 || h.PrevEnd != 400 || h.Chain != "audit" {
		t.Errorf("header %+v", h)
	}
	var seen []uint64
	for {
		e, n, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, n, e.Epoch, e.First(), e.Seq)
	}
	want := []uint64{7, 5, 1, 1, 8, 5, 2, 4, 9, 6, 1, 1}
	if len(seen) != len(want) {
		t.Fatalf("read %v", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("read %v, want %v", seen, want)
		}
	}
	f, end, ok := segment.ReadFooter(bytes.NewReader(raw), int64(len(raw)))
	if !ok || f.Entries != 3 || len(f.Runs) != 2 || f.Runs[1] != (segment.Run{Epoch: 6, First: 1, Last: 1, Number: 9}) ||
		end.Hash != r.End().Hash || end.Offset != int64(len(raw)) {
		t.Errorf("footer %+v, end %+v, %v", f, end, ok)
	}
}

// Whatever a file holds: no panic, no endless loop, and nothing is read that does not come
// back the same when it is written again.
func FuzzSegment(f *testing.F) {
	raw := file(f)
	f.Add(raw)
	f.Add(raw[:len(raw)-8])
	f.Add(raw[:segment.HeaderSize+70])
	f.Add(append(bytes.Clone(raw[:300]), make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _, _ = segment.ReadFooter(bytes.NewReader(raw), int64(len(raw)))
		r, err := segment.NewReader("x", bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		b, again, err := segment.Begin(r.Header())
		if err != nil {
			t.Fatal(err)
		}
		for {
			e, _, err := r.Next()
			if err != nil {
				var d *segment.DamageError
				if !errors.Is(err, io.EOF) && (!errors.As(err, &d) || d.Offset != b.End.Offset) {
					t.Fatalf("ends at %d with %v", b.End.Offset, err)
				}
				break
			}
			if again, err = b.Append(again, e); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(raw, again) {
			t.Fatal("what was read is not what is there")
		}
	})
}
