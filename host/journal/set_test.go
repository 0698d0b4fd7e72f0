package journal_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/journal"
)

func TestAJournalThatGrowsIsASetOfFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	w, _ := newWriter(t, journal.Options{Path: path, FileSize: 2000})
	for i := range 100 {
		w.Input(stamp(int64(i)), line(i))
	}
	closed(t, w)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Size() > 2000 || info.Size() == 0 {
			t.Errorf("%s has %d bytes, %v", f.Name(), info.Size(), err)
		}
	}
	r, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if n, err := drain(r); n != 101 || err != nil {
		t.Fatal(n, err)
	}
}

func TestAJournalStopsAtItsWholeSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	w, stops := newWriter(t, journal.Options{Path: path, FileSize: 2000, TotalSize: 4000})
	for i := range 100 {
		w.Input(stamp(int64(i)), line(i))
	}
	if err := w.Close(context.Background()); err == nil || !strings.Contains(err.Error(), "reached their limit") {
		t.Fatal(err)
	}
	if len(stops.all()) != 1 {
		t.Fatal(stops.all())
	}
	r, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if n, err := drain(r); n < 20 || n > 50 || err != nil {
		t.Fatal(n, err)
	}
}

func TestTheJournalOfTheRunBeforeIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	for run := range 3 {
		w, _ := newWriter(t, journal.Options{Path: path, FileSize: 1500})
		for i := range 30 * (3 - run) { // each has fewer files than the one before
			w.Input(stamp(int64(i)), line(i))
		}
		closed(t, w)
	}
	for file, want := range map[string]int{path: 31, path + ".old": 61} {
		r, err := journal.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := drain(r); n != want || err != nil {
			t.Errorf("%s has %d entries, want %d: %v", file, n, want, err)
		}
		_ = r.Close()
	}
}

func TestAFileThatIsNotAJournalIsNotRenamed(t *testing.T) {
	dir := t.TempDir()
	for want, path := range map[string]string{
		"exists and is not a journal": writeFile(t, dir, "meshos.toml", oneDaemon),
		"is not a regular file":       dir,
		"no such file or directory":   filepath.Join(dir, "none", "j"),
	} {
		if _, err := journal.NewWriter(journal.Options{Path: path, Boot: *boot()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", path, err, want)
		}
	}
	if got := string(readFile(t, filepath.Join(dir, "meshos.toml"))); got != oneDaemon {
		t.Error("the file changed")
	}
}

func TestTwoNodesCantWriteOneJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	newWriter(t, journal.Options{Path: path})
	if _, err := journal.NewWriter(journal.Options{Path: path, Boot: *boot()}); err == nil || !strings.Contains(err.Error(), "another node is writing") {
		t.Fatal(err)
	}
}
