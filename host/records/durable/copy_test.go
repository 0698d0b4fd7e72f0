package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
)

// realFolder returns a folder on the disk.
func realFolder(t *testing.T) disk.FS {
	t.Helper()
	fs, err := disk.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

func copied(t *testing.T, from disk.FS, to string, chain string) durable.Copied {
	t.Helper()
	done, err := durable.Copy(t.Context(), from, to, chain)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// same compares all records of two folders.
func sameRecords(t *testing.T, a, b disk.FS, chain string) {
	t.Helper()
	var lists [2][]string
	for i, fs := range []disk.FS{a, b} {
		report, err := durable.Walk(fs, chain, func(e segment.Entry, _ uint64) error {
			lists[i] = append(lists[i], string(e.Data))
			return nil
		})
		if err != nil || len(report.Damage) > 0 || report.Unfinished != nil {
			t.Fatalf("%s: %+v, %v", fs.Dir(), report, err)
		}
	}
	if one, two := strings.Join(lists[0], ","), strings.Join(lists[1], ","); one != two {
		t.Errorf("the chain holds %s, the copy %s", one, two)
	}
}

func TestACopyTakesOnlyWhatIsNew(t *testing.T) {
	from, to := realFolder(t), realFolder(t)
	l := open(t, from, logs)
	for round := uint64(0); round < 6; round++ {
		for seq := 5*round + 1; seq <= 5*round+5; seq++ {
			write(t, l, record(seq))
		}
		done := copied(t, from, to.Dir(), "log")
		if done.Files == 0 || round > 0 && done.Files > 4 {
			t.Errorf("round %d copied %+v", round, done)
		}
		sameRecords(t, from, to, "log")
	}
	if done := copied(t, from, to.Dir(), "log"); done != (durable.Copied{}) {
		t.Errorf("nothing is new, but it copied %+v", done)
	}
	l = open(t, from, logs, func(o *durable.Options) { o.KeepSize = 1000 })
	if err := retain(l, noon()); err != nil {
		t.Fatal(err)
	}
	if done := copied(t, from, to.Dir(), "log"); done.Removed == 0 || done.Files != 0 {
		t.Errorf("after files were dropped it copied %+v", done)
	}
	sameRecords(t, from, to, "log")
}

// What stands at the end and is not finished is left out, and comes with the next copy.
func TestACopyEndsWithAWholeRecord(t *testing.T) {
	from, to := realFolder(t), realFolder(t)
	l := open(t, from)
	write(t, l, records(1, 9)...)
	name := filepath.Join(from.Dir(), "0000000001.rec")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := segment.HeaderSize / 2; size <= len(whole); size += 7 {
		if err := os.WriteFile(name, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		copied(t, from, to.Dir(), "audit")
		report := walk(t, to)
		if len(report.Damage) > 0 || report.Unfinished != nil {
			t.Errorf("of %d bytes the copy is %+v", size, report)
		}
	}
}

func TestACopyOfAnotherChainIsNotTouched(t *testing.T) {
	begin := func() (disk.FS, disk.FS, *durable.Log) {
		from, to := realFolder(t), realFolder(t)
		l := open(t, from, small)
		for seq := uint64(1); seq <= 20; seq++ {
			write(t, l, record(seq))
		}
		copied(t, from, to.Dir(), "audit")
		return from, to, l
	}
	last := func(fs disk.FS) string {
		names, err := fs.List()
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(fs.Dir(), names[len(names)-1])
	}
	for name, wrong := range map[string]func(from disk.FS){
		"the last file is gone": func(from disk.FS) { _ = os.Remove(last(from)) },
		"all files are gone": func(from disk.FS) {
			names, _ := from.List()
			for _, n := range names {
				_ = os.Remove(filepath.Join(from.Dir(), n))
			}
		},
		"the first file is gone": func(from disk.FS) { _ = os.Remove(filepath.Join(from.Dir(), "0000000001.rec")) },
		"the end is cut off": func(from disk.FS) {
			if err := os.Truncate(last(from), segment.HeaderSize); err != nil {
				t.Fatal(err)
			}
		},
		"it was begun anew": func(from disk.FS) {
			names, _ := from.List()
			for _, n := range names {
				_ = os.Remove(filepath.Join(from.Dir(), n))
			}
			l := open(t, from, small)
			for seq := uint64(101); seq <= 140; seq++ {
				write(t, l, record(seq))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, to, _ := begin()
			wrong(from)
			_, err := durable.Copy(t.Context(), from, to.Dir(), "audit")
			var other *durable.OtherChainError
			if !errors.As(err, &other) {
				t.Errorf("Copy says %v", err)
			}
			if r := walk(t, to); r.Records != 20 || len(r.Damage) > 0 {
				t.Errorf("the copy is now %+v", r)
			}
		})
	}
}

// A sync failed, so that the node took back what it had written and begins a new file.
func TestACopyFollowsAFileThatWasTakenBack(t *testing.T) {
	from, to := realFolder(t), realFolder(t)
	l := open(t, from)
	write(t, l, records(1, 3)...)
	name := filepath.Join(from.Dir(), "0000000001.rec")
	synced, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(records(4, 6)); err != nil {
		t.Fatal(err)
	}
	copied(t, from, to.Dir(), "audit") // with what is not synced
	if err := errors.Join(os.Truncate(name, synced.Size()), from.Protect("0000000001.rec")); err != nil {
		t.Fatal(err)
	}
	l = open(t, from)
	write(t, l, records(4, 8)...)
	copied(t, from, to.Dir(), "audit")
	sameRecords(t, from, to, "audit")
}
