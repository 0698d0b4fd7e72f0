package durable_test

import (
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/meshos/meshos/host/records/disk/diskfault"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

func logs(o *durable.Options) {
	small(o)
	o.Chain = "log"
}

// retain drops all that may be dropped.
func retain(l *durable.Log, now time.Time) error {
	_, err := l.Retain(now, math.MaxInt)
	return err
}

func TestTheOldestFilesAreDroppedForTheirSize(t *testing.T) {
	d := diskfault.New()
	l := open(t, d, logs, func(o *durable.Options) { o.KeepSize = 2000 })
	for _, e := range records(1, 100) {
		write(t, l, e)
		if err := retain(l, noon()); err != nil {
			t.Fatal(err)
		}
		if l.Bytes() > 2000 {
			t.Fatalf("takes %d bytes", l.Bytes())
		}
	}
	oldest := l.Oldest()
	if oldest < 50 || oldest > 95 {
		t.Errorf("the oldest is %d", oldest)
	}
	l = open(t, d, logs)
	if f := l.TakeFindings(); len(f) > 0 {
		t.Errorf("found %v", f)
	}
	r := l.Read(3)
	defer r.Close()
	var dropped *durable.DroppedError
	if _, _, err := r.Next(); !errors.As(err, &dropped) || dropped.First != 3 || dropped.Last != oldest-1 {
		t.Errorf("got %v", err)
	}
	if e, n, err := r.Next(); err != nil || n != oldest || e.Seq != oldest {
		t.Errorf("got number %d, %v", n, err)
	}
	if report, err := durable.Walk(d, "log", nil); err != nil || len(report.Damage) > 0 || report.First != oldest {
		t.Errorf("verify says %+v, %v", report, err)
	}
}

func TestTheOldestFilesAreDroppedForTheirAge(t *testing.T) {
	now := noon()
	l := open(t, diskfault.New(), logs, func(o *durable.Options) {
		o.KeepAge, o.Now = time.Minute, func() time.Time { return now }
	})
	for _, e := range records(1, 60) {
		now = e.Wall
		write(t, l, e)
	}
	if err := retain(l, now); err != nil {
		t.Fatal(err)
	}
	if l.Oldest() != 1 {
		t.Errorf("dropped up to %d though none is old", l.Oldest()-1)
	}
	now = now.Add(30 * time.Second)
	if err := retain(l, now); err != nil {
		t.Fatal(err)
	}
	if o := l.Oldest(); o < 25 || o > 30 {
		t.Errorf("the oldest is %d, want about 29", o)
	}
	now = now.Add(time.Hour)
	if err := retain(l, now); err != nil {
		t.Fatal(err)
	}
	if l.Oldest() == l.Next() {
		t.Error("the newest file was dropped")
	}
}

func TestAuditRecordsAreNeverDropped(t *testing.T) {
	l := open(t, diskfault.New(), small, func(o *durable.Options) { o.KeepSize, o.KeepAge = 1, 1 })
	for _, e := range records(1, 20) {
		write(t, l, e)
	}
	if err := retain(l, noon()); err != nil {
		t.Fatal(err)
	}
	wantRead(t, l, upTo(20))
}

// What is never dropped for its age need not be cut into files for it.
func TestKeepAgeCutsNoAuditFiles(t *testing.T) {
	d, now := diskfault.New(), noon()
	l := open(t, d, func(o *durable.Options) { o.KeepAge, o.Now = time.Minute, func() time.Time { return now } })
	for _, e := range records(1, 100) {
		now = now.Add(time.Hour)
		write(t, l, e)
	}
	if names, err := d.List(); err != nil || len(names) != 1 {
		t.Errorf("%d files: %v", len(names), err)
	}
}

func TestAfterFindsAPositionInEveryFile(t *testing.T) {
	d := diskfault.New()
	l := open(t, d, small)
	// Three epochs of 10; in the second, 4 to 6 are a gap.
	number := map[[2]uint64]uint64{}
	n := uint64(0)
	for e := uint64(1); e <= 3; e++ {
		for seq := uint64(1); seq <= 10; seq++ {
			entry := record(seq)
			if e == 2 && (seq == 4 || seq == 5) {
				continue
			}
			if e == 2 && seq == 6 {
				entry = gap(6, 3)
			}
			entry.Epoch = e
			write(t, l, entry)
			n++
			number[[2]uint64{e, seq}] = n
		}
	}
	for _, l := range []*durable.Log{l, open(t, d, small)} {
		for e := uint64(1); e <= 3; e++ {
			for seq := uint64(0); seq <= 12; seq++ {
				want := number[[2]uint64{e, min(seq, 10)}] + 1
				switch {
				case seq == 0:
					want = number[[2]uint64{e, 1}]
				case e == 2 && (seq == 4 || seq == 5):
					want = number[[2]uint64{2, 6}]
				}
				got, known, err := l.After(e, seq)
				if got != want || !known || err != nil {
					t.Errorf("after %d of epoch %d: number %d, %v, %v, want %d", seq, e, got, known, err, want)
				}
			}
		}
		if got, known, err := l.After(9, 5); got != 1 || known || err != nil {
			t.Errorf("an unknown epoch: %d, %v, %v", got, known, err)
		}
	}
}

func TestSinceSkipsWholeFiles(t *testing.T) {
	l := open(t, diskfault.New(), small)
	for _, e := range records(1, 30) {
		write(t, l, e)
	}
	from := l.Since(record(20).Wall)
	if from > 20 || from < 16 {
		t.Errorf("begins with %d", from)
	}
	if from := l.Since(noon().Add(time.Hour)); from != 31 {
		t.Errorf("of the future: %d", from)
	}
}

func TestAReaderFollowsWhatBecomesDurable(t *testing.T) {
	l := open(t, diskfault.New(), small)
	r := l.Read(1)
	defer r.Close()
	for seq := uint64(1); seq <= 30; seq++ {
		if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("before %d: %v", seq, err)
		}
		if err := l.Append([]segment.Entry{record(seq)}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("%d was read before it was durable: %v", seq, err)
		}
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
		if e, n, err := r.Next(); err != nil || n != seq || e.Seq != seq {
			t.Fatalf("got %d, number %d, %v", e.Seq, n, err)
		}
	}
}

func TestVerifyCountsGapsAndFindsThoseThatAreNotMarked(t *testing.T) {
	d := diskfault.New()
	l := open(t, d)
	write(t, l, append(records(1, 3), gap(7, 4), record(8))...)
	if r := walk(t, d); r.Records != 4 || r.Gaps != 1 || r.Missing != 4 || len(r.Damage) > 0 {
		t.Errorf("verify says %+v", r)
	}
	write(t, l, record(10))
	if r := walk(t, d); len(r.Damage) != 1 || r.Damage[0].Number != 6 ||
		r.Damage[0].Cause.Error() != "seq 10 of epoch 77 comes where seq 9 is due, and no gap is marked" {
		t.Errorf("verify says %+v", r)
	}
}

func TestAgeDropsNoMoreFilesThanAllowedAndSizeAllThatItMust(t *testing.T) {
	l := open(t, diskfault.New(), logs, func(o *durable.Options) { o.KeepAge = time.Hour })
	for _, e := range records(1, 60) {
		write(t, l, e)
	}
	later, files := noon().Add(48*time.Hour), l.Files()
	for _, allowed := range []int{0, 2} {
		dropped, err := l.Retain(later, allowed)
		if err != nil {
			t.Fatal(err)
		}
		if got := files - l.Files(); got != allowed {
			t.Errorf("%d files were dropped, %d were allowed", got, allowed)
		}
		if allowed == 0 && len(dropped) != 0 {
			t.Errorf("it says that it dropped %+v", dropped)
		}
		if allowed > 0 && (len(dropped) != 1 || dropped[0].Reason != durable.ForAge || dropped[0].Files != 2 ||
			dropped[0].First != 1 || dropped[0].Last != l.Oldest()-1 || !dropped[0].Newest.Equal(record(l.Oldest()-1).Wall)) {
			t.Errorf("it says that it dropped %+v", dropped)
		}
	}
	before := l.Oldest()
	l = open(t, diskfault.New(), logs, func(o *durable.Options) { o.KeepAge, o.KeepSize = time.Hour, 1000 })
	for _, e := range records(1, 60) {
		write(t, l, e)
	}
	dropped, err := l.Retain(later, 0)
	if err != nil || l.Bytes() > 1000 || l.Oldest() <= before || len(dropped) != 1 || dropped[0].Reason != durable.ForSize {
		t.Errorf("%d bytes are left, dropped %+v, %v", l.Bytes(), dropped, err)
	}
}

// A minute with a clock of next year must not keep what is written until then.
func TestRecordsOfTheFutureAgeFromWhenTheClockWasRightAgain(t *testing.T) {
	now := noon()
	l := open(t, diskfault.New(), logs, func(o *durable.Options) { o.KeepAge, o.Now = time.Hour, func() time.Time { return now } })
	for seq := uint64(1); seq <= 60; seq++ {
		now = noon().Add(time.Duration(seq) * time.Minute)
		if seq == 20 {
			now = now.AddDate(1, 0, 0)
		}
		e := record(seq)
		e.Wall = now
		write(t, l, e)
	}
	now = noon().Add(90 * time.Minute)
	if err := retain(l, now); err != nil {
		t.Fatal(err)
	}
	if o := l.Oldest(); o < 20 || o > 31 {
		t.Errorf("the oldest is %d, want about 28", o)
	}
}
