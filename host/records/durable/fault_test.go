package durable_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/records/disk/diskfault"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

var errDisk = errors.New("input/output error")

// writer appends records one batch after the other, and again what failed.
type writer struct {
	l     *durable.Log
	acked uint64
}

func (w *writer) attempt(n uint64) error {
	batch := records(w.acked+1, w.acked+n)
	if err := w.l.Append(batch); err != nil {
		return err
	}
	if err := w.l.Sync(); err != nil {
		return err
	}
	w.acked += n
	return nil
}

func TestB24_AFileIsNeverWrittenToAgainAfterAFailedSync(t *testing.T) {
	d := diskfault.New()
	w := writer{l: open(t, d)}
	if err := w.attempt(3); err != nil {
		t.Fatal(err)
	}
	fail := true
	var wrote []string
	d.SetFault(func(op, name string) error {
		if op == "write" {
			wrote = append(wrote, name)
		}
		if op == "sync" && fail {
			fail = false
			return errDisk
		}
		return nil
	})
	if err := w.attempt(2); !errors.Is(err, errDisk) {
		t.Fatalf("got %v", err)
	}
	if !d.Protected(firstFile) {
		t.Error("the file was not made read-only")
	}
	if err := w.attempt(2); err != nil {
		t.Fatal(err)
	}
	if want := []string{firstFile, "0000000002.rec"}; !slices.Equal(wrote, want) {
		t.Errorf("wrote to %v, want %v", wrote, want)
	}
	wantRead(t, w.l, upTo(5))
	after := d.PowerLoss(rand.New(rand.NewPCG(1, 2)))
	wantRead(t, open(t, after), upTo(5))
	if report := walk(t, after); len(report.Damage) > 0 || report.Records != 5 {
		t.Errorf("verify says %+v", report)
	}
}

func TestB24_AFullDiskIsLoudAndResumesByItself(t *testing.T) {
	for free := range int64(580) {
		d := diskfault.New()
		w := writer{l: open(t, d)}
		if err := w.attempt(3); err != nil {
			t.Fatal(err)
		}
		d.SetFree(free)
		failed := false
		for range 4 {
			if err := w.attempt(2); err != nil {
				failed = true
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("%d bytes free: %v", free, err)
				}
			}
		}
		if !failed {
			t.Fatalf("%d bytes free: nothing failed", free)
		}
		wantRead(t, open(t, d.PowerLoss(rand.New(rand.NewPCG(1, uint64(free))))), upTo(w.acked))
		d.SetFree(-1)
		if err := w.attempt(2); err != nil {
			t.Fatalf("%d bytes free: with more again: %v", free, err)
		}
		wantRead(t, w.l, upTo(w.acked))
		wantRead(t, open(t, d), upTo(w.acked))
	}
}

// Whatever fails and whenever power goes, what was acknowledged is there, once and in
// order, and the log goes on.
func TestB24_NoAcknowledgedRecordIsLostWhateverFails(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			d := diskfault.New()
			w := writer{l: open(t, d, small)}
			for life := range 6 {
				faults := r.IntN(4)
				d.SetFault(func(op, _ string) error {
					if op != "read" && op != "list" && faults > 0 && r.IntN(6) == 0 {
						faults--
						return []error{errDisk, syscall.ENOSPC}[r.IntN(2)]
					}
					return nil
				})
				for range r.IntN(12) {
					_ = w.attempt(uint64(1 + r.IntN(4)))
				}
				d.SetFault(nil)
				held := read(t, w.l)
				if !slices.Equal(held, upTo(w.acked)) {
					t.Fatalf("life %d: holds %v, acknowledged %d", life, held, w.acked)
				}
				if r.IntN(2) == 0 {
					d = d.PowerLoss(r)
				}
				w.l = open(t, d, small)
				for _, f := range w.l.TakeFindings() {
					if !f.Damage.Torn {
						t.Fatalf("life %d: damage of its own making: %s", life, f.Text)
					}
				}
				// What was not acknowledged may be there or not, but nothing twice.
				held = read(t, w.l)
				if n := uint64(len(held)); n < w.acked || !slices.Equal(held, upTo(n)) {
					t.Fatalf("life %d: holds %v after the restart, acknowledged %d", life, held, w.acked)
				}
				w.acked = uint64(len(held))
				if report := walk(t, d); len(report.Damage) > 0 {
					t.Fatalf("life %d: verify says %v", life, report.Damage)
				}
			}
		})
	}
}

func TestB24_NoRecordIsGivenUpForWantOfADescriptor(t *testing.T) {
	d := diskfault.New()
	w := writer{l: open(t, d)}
	if err := w.attempt(5); err != nil {
		t.Fatal(err)
	}
	out := true
	d.SetFault(func(op, _ string) error {
		switch {
		case op == "sync" && out:
			return errDisk
		case op == "open" && out:
			return syscall.EMFILE
		}
		return nil
	})
	for range 10 {
		if err := w.attempt(1); err == nil {
			t.Fatal("nothing failed")
		}
	}
	out = false
	if err := w.attempt(1); err != nil {
		t.Fatal(err)
	}
	if f := w.l.TakeFindings(); len(f) > 0 {
		t.Errorf("found %v", f)
	}
	wantRead(t, w.l, upTo(6))
}

func TestWhatBecomesUnreadableAfterAFailedWriteIsReported(t *testing.T) {
	d := diskfault.New()
	w := writer{l: open(t, d)}
	if err := w.attempt(5); err != nil {
		t.Fatal(err)
	}
	d.SetFault(func(op, _ string) error {
		if op == "write" {
			return errDisk
		}
		return nil
	})
	if err := w.attempt(1); err == nil {
		t.Fatal("nothing failed")
	}
	d.SetFault(nil)
	d.Flip(firstFile, segment.HeaderSize+100, 1) // in the second record
	if err := w.attempt(1); err != nil {
		t.Fatal(err)
	}
	if f := w.l.TakeFindings(); len(f) != 1 || f[0].Damage.Number != 2 {
		t.Fatalf("found %v", f)
	}
	r := open(t, d).Read(1)
	defer r.Close()
	if e, _, err := r.Next(); err != nil || e.Seq != 1 {
		t.Errorf("got %v, %v", e.Seq, err)
	}
	var dropped *durable.DroppedError
	if _, _, err := r.Next(); !errors.As(err, &dropped) || dropped.First != 2 || dropped.Last != 5 {
		t.Errorf("got %v", err)
	}
	if e, n, err := r.Next(); err != nil || e.Seq != 6 || n != 6 {
		t.Errorf("got seq %d, number %d, %v", e.Seq, n, err)
	}
}
