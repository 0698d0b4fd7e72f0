package durable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/records/disk/diskfault"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

const firstFile = "0000000001.rec"

// fifty is a log of 50 records, with the offset at which each one ends.
func fifty(t *testing.T) (raw []byte, ends []int64) {
	t.Helper()
	d := diskfault.New()
	l := open(t, d)
	for _, e := range records(1, 50) {
		write(t, l, e)
		ends = append(ends, int64(len(d.Content(firstFile))))
	}
	return d.Content(firstFile), ends
}

// whole is how many records end at or before an offset.
func whole(ends []int64, offset int64) uint64 {
	n, _ := slices.BinarySearch(ends, offset+1)
	return uint64(n)
}

func TestB24_TornTailAtEveryByteIsCutAndReported(t *testing.T) {
	raw, ends := fifty(t)
	for size := range int64(len(raw)) {
		d := diskfault.New()
		d.Set(firstFile, raw[:size])
		report := walk(t, d)
		l := open(t, d)
		n := whole(ends, size)
		wantRead(t, l, upTo(n))
		findings := l.TakeFindings()
		clean := size == segment.HeaderSize || n > 0 && ends[n-1] == size
		if clean != (len(findings) == 0) || clean != (report.Unfinished == nil) {
			t.Fatalf("cut to %d bytes: found %v, verify says %v", size, findings, report.Unfinished)
		}
		if report.Records != n || len(report.Damage) > 0 {
			t.Fatalf("cut to %d bytes: verify says %+v", size, report)
		}
		if !clean && size >= segment.HeaderSize {
			want := fmt.Sprintf("DISK/%s is torn at offset %d, in record %d: ", firstFile, max(segment.HeaderSize, endOf(ends, n)), n+1)
			if !strings.HasPrefix(findings[0].Text, want) {
				t.Fatalf("cut to %d bytes: says %q, want %q", size, findings[0].Text, want)
			}
		}
		write(t, l, records(n+1, n+2)...)
		wantRead(t, open(t, d), upTo(n+2))
		if after := walk(t, d); len(after.Damage) > 0 || after.Unfinished != nil || after.Records != n+2 {
			t.Fatalf("cut to %d bytes and written to: %+v", size, after)
		}
	}
}

func endOf(ends []int64, n uint64) int64 {
	if n == 0 {
		return segment.HeaderSize
	}
	return ends[n-1]
}

func TestB24_FlippedBitInEveryByteIsNamedAndNothingAfterItIsValid(t *testing.T) {
	raw, ends := fifty(t)
	for offset := range int64(len(raw)) {
		d := diskfault.New()
		d.Set(firstFile, raw)
		d.Flip(firstFile, offset, uint(offset%8))
		n := whole(ends, offset)
		place := fmt.Sprintf("at offset %d, in record %d: ", endOf(ends, n), n+1)
		if offset < segment.HeaderSize {
			n, place = 0, "at offset 0, in its header: "
		}
		report := walk(t, d)
		named := report.Damage
		if report.Unfinished != nil {
			named = append(named, report.Unfinished)
		}
		if len(named) != 1 || !strings.Contains(named[0].Error(), place) || report.Records != n {
			t.Fatalf("bit of byte %d: verify says %+v, want %s", offset, report, place)
		}
		if report.Unfinished != nil && n < 49 {
			t.Fatalf("bit of byte %d: taken for a torn tail: %v", offset, report.Unfinished)
		}
		l := open(t, d)
		wantRead(t, l, upTo(n))
		if findings := l.TakeFindings(); len(findings) != 1 || !strings.Contains(findings[0].Text, place) {
			t.Fatalf("bit of byte %d: found %v, want %s", offset, findings, place)
		}
		write(t, l, records(n+1, n+1)...)
		again := open(t, d)
		wantRead(t, again, upTo(n+1))
		if findings := again.TakeFindings(); len(findings) > 0 {
			t.Fatalf("bit of byte %d: said again: %v", offset, findings)
		}
		if report.Unfinished == nil {
			if after := walk(t, d); len(after.Damage) != 1 || !strings.Contains(after.Damage[0].Error(), place) || after.Records != n+1 {
				t.Fatalf("bit of byte %d, verified later: %+v", offset, after)
			}
		}
	}
}

func TestDamageInASealedFileIsFoundWhenItIsReadOrVerified(t *testing.T) {
	d := diskfault.New()
	l := open(t, d, small)
	for _, e := range records(1, 20) {
		write(t, l, e)
	}
	names, _ := d.List()
	if len(names) < 5 {
		t.Fatalf("only %v", names)
	}
	d.Flip(names[1], segment.HeaderSize+60, 0)
	report := walk(t, d)
	if len(report.Damage) != 1 || !strings.Contains(report.Damage[0].Error(), names[1]+" is damaged at offset 128, in record ") {
		t.Fatalf("verify says %+v", report)
	}
	if report.Records != report.Damage[0].Number-1 {
		t.Errorf("%d valid records before record %d", report.Records, report.Damage[0].Number)
	}
	l = open(t, d, small)
	r := l.Read(1)
	defer r.Close()
	var seqs []uint64
	var said []string
	for range 30 {
		e, _, err := r.Next()
		if err != nil {
			said = append(said, err.Error())
			continue
		}
		seqs = append(seqs, e.Seq)
	}
	if len(said) < 2 || said[0] != report.Damage[0].Error() || said[1] != "EOF" {
		t.Errorf("reading says %q", said)
	}
	if slices.Contains(seqs, report.Damage[0].Number) || !slices.Contains(seqs, 20) || !slices.IsSorted(seqs) {
		t.Errorf("read %v", seqs)
	}
}

func TestFilesThatDoNotFollowEachOtherAreNotValid(t *testing.T) {
	for name, c := range map[string]struct {
		change func(d *diskfault.Disk, names []string)
		want   string
	}{
		"a file is missing": {
			func(d *diskfault.Disk, names []string) { _ = d.Remove(names[2]) },
			"DISK/0000000004.rec is damaged at offset 0, in its header: it does not follow the files before it: it continues from offset",
		},
		"files are swapped": {
			func(d *diskfault.Disk, names []string) {
				a, b := d.Content(names[1]), d.Content(names[2])
				d.Set(names[1], b)
				d.Set(names[2], a)
			},
			"DISK/0000000002.rec is damaged at offset 0, in its header: it is file 3 of the audit records",
		},
		"the first file is missing": {
			func(d *diskfault.Disk, names []string) { _ = d.Remove(names[0]) },
			"DISK/0000000002.rec is damaged at offset 0, in its header: the records before it are missing",
		},
		"a sealed file is cut": {
			func(d *diskfault.Disk, names []string) {
				raw := d.Content(names[1])
				d.Set(names[1], raw[:len(raw)-3])
			},
			"DISK/0000000002.rec is torn at offset ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := diskfault.New()
			l := open(t, d, small)
			for _, e := range records(1, 20) {
				write(t, l, e)
			}
			names, _ := d.List()
			c.change(d, names)
			report := walk(t, d)
			if len(report.Damage) == 0 || !strings.HasPrefix(report.Damage[0].Error(), c.want) {
				t.Fatalf("verify says %v", report.Damage)
			}
			l = open(t, d, small)
			if f := l.TakeFindings(); len(f) == 0 || !strings.HasPrefix(f[0].Text, c.want) {
				t.Fatalf("found %v", f)
			}
			before := read(t, l)
			write(t, l, segment.Entry{Kind: segment.KindRecord, Epoch: epoch, Seq: 21, Wall: record(21).Wall, Data: record(21).Data})
			again := open(t, d, small)
			if got := read(t, again); !slices.Equal(got, append(before, 21)) {
				t.Errorf("read %v before and %v after", before, got)
			}
		})
	}
}

func TestOpenNamesTheChainThatCanNotBeRead(t *testing.T) {
	d := diskfault.New()
	d.SetFault(func(op, _ string) error {
		if op == "list" {
			return errDisk
		}
		return nil
	})
	_, err := durable.Open(durable.Options{FS: d, Chain: "audit"})
	if err == nil || !strings.HasPrefix(err.Error(), "audit records: ") {
		t.Errorf("got %v", err)
	}
}
