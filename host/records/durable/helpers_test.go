package durable_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

const epoch = 77

func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// record is the record of a seq, with content of its own.
func record(seq uint64) segment.Entry {
	return segment.Entry{
		Kind: segment.KindRecord, Epoch: epoch, Seq: seq, Wall: noon().Add(time.Duration(seq) * time.Second),
		Data: fmt.Appendf(nil, "record %d", seq),
	}
}

func records(from, to uint64) (out []segment.Entry) {
	for seq := from; seq <= to; seq++ {
		out = append(out, record(seq))
	}
	return out
}

func open(t testing.TB, fs disk.FS, change ...func(*durable.Options)) *durable.Log {
	t.Helper()
	o := durable.Options{FS: fs, Chain: "audit", Now: noon}
	for _, c := range change {
		c(&o)
	}
	l, err := durable.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// small makes a file hold about three records.
func small(o *durable.Options) { o.SegmentSize = segment.HeaderSize + 200 }

func write(t testing.TB, l *durable.Log, entries ...segment.Entry) {
	t.Helper()
	if err := l.Append(entries); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
}

// read returns the seqs of all durable records, which must be as they were written.
func read(t testing.TB, l *durable.Log) (seqs []uint64) {
	t.Helper()
	r := l.Read(1)
	defer r.Close()
	for {
		e, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return seqs
		}
		var dropped *durable.DroppedError
		if errors.As(err, &dropped) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if want := record(e.Seq); string(e.Data) != string(want.Data) || e.Epoch != epoch || !e.Wall.Equal(want.Wall) {
			t.Fatalf("seq %d holds %q", e.Seq, e.Data)
		}
		seqs = append(seqs, e.Seq)
	}
}

func upTo(n uint64) (out []uint64) {
	for seq := uint64(1); seq <= n; seq++ {
		out = append(out, seq)
	}
	return out
}

func wantRead(t testing.TB, l *durable.Log, want []uint64) {
	t.Helper()
	if got := read(t, l); !slices.Equal(got, want) {
		t.Fatalf("holds %v, want %v", got, want)
	}
}

func walk(t testing.TB, fs disk.FS) durable.Report {
	t.Helper()
	report, err := durable.Walk(fs, "audit", nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// gap stands for lost records up to seq.
func gap(seq, missing uint64) segment.Entry {
	return segment.Entry{Kind: segment.KindGap, Epoch: epoch, Seq: seq, Missing: missing, Wall: noon()}
}
