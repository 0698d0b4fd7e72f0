package durable_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// A node that writes, seals and drops files while they are verified and read raises no
// false alarm. It goes on until files have been dropped under the reader, however slow
// the disk is.
func TestVerifyAndReadersBesideAWriter(t *testing.T) {
	fs, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, fs, logs, func(o *durable.Options) { o.SegmentSize, o.KeepSize = 4<<10, 16<<10 })
	write(t, l, record(1))
	var stop atomic.Bool
	ended := make(chan error, 1)
	go func() {
		for seq := uint64(2); !stop.Load(); seq++ {
			if err := errors.Join(l.Append([]segment.Entry{record(seq)}), l.Sync(), retain(l, noon())); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	defer stop.Store(true)
	in := l.Read(1)
	defer in.Close()
	last := uint64(0)
	limit := time.Now().Add(time.Minute)
	for rounds := 0; rounds < 20 || last < 100 || l.Oldest() == 1; rounds++ {
		if time.Now().After(limit) {
			t.Fatalf("after a minute read up to %d, the oldest is %d: it shows little", last, l.Oldest())
		}
		report, err := durable.Walk(fs, "log", nil)
		if err != nil || len(report.Damage) > 0 {
			t.Errorf("verify says %v, %v", report.Damage, err)
			break
		}
		for {
			e, number, err := in.Next()
			var dropped *durable.DroppedError
			if errors.As(err, &dropped) {
				last = dropped.Last
				continue
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || number != last+1 || e.Seq != number {
				t.Fatalf("number %d behind %d: %v", number, last, err)
			}
			last = number
		}
	}
	stop.Store(true)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
