package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func fileNames(t testing.TB, dir string) string {
	t.Helper()
	names, err := folder(dir).list()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// Files end at lines, none is larger than max_size, and together they hold all
// records in order, wherever a batch meets the boundary.
func TestRotationAtEverySize(t *testing.T) {
	t.Parallel()
	all := entries(t, 7, 1, 40)
	line := int64(len(all[39].line))
	for maxSize := 3 * line; maxSize <= 4*line+1; maxSize += 7 {
		for batch := 1; batch <= 13; batch += 4 {
			dir := t.TempDir()
			c := opened(t, folder(dir), limits{maxSize: maxSize})
			for i := 0; i < len(all); i += batch {
				mustAppend(t, c, all[i:min(i+batch, len(all))])
			}
			wantContent(t, dir, text(all))
			for name := range strings.FieldsSeq(fileNames(t, dir)) {
				st, err := os.Stat(filepath.Join(dir, name))
				if err != nil || st.Size() > maxSize || st.Size() == 0 {
					t.Fatalf("%s: %v, %d bytes with max_size %d", name, err, st.Size(), maxSize)
				}
			}
		}
	}
}

func TestLineLargerThanMaxSizeHasAFileOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	all := entries(t, 7, 1, 3)
	c := opened(t, folder(dir), limits{maxSize: 10})
	mustAppend(t, c, all)
	wantContent(t, dir, text(all))
	if got := fileNames(t, dir); got != "log-000001.jsonl log-000002.jsonl log.jsonl" {
		t.Errorf("files: %s", got)
	}
}

func TestRotationByAge(t *testing.T) {
	dir := t.TempDir()
	all := entries(t, 7, 1, 4)
	day := limits{maxSize: 1 << 20, maxAge: 24 * time.Hour}
	wall := &clock{at: time.Now()}
	c := opened(t, folder(dir), day)
	c.now = wall.now
	mustAppend(t, c, all[:1])
	wall.at = wall.at.Add(24*time.Hour - time.Second)
	mustAppend(t, c, all[1:2])
	if got := fileNames(t, dir); got != "log.jsonl" {
		t.Errorf("files before max_age: %s", got)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	// After a restart the age of the file is the same.
	c = opened(t, folder(dir), day)
	wall.at = wall.at.Add(2 * time.Second)
	c.now = wall.now
	mustAppend(t, c, all[2:])
	if got := fileNames(t, dir); got != "log-000001.jsonl log.jsonl" {
		t.Errorf("files after max_age: %s", got)
	}
	wantContent(t, dir, text(all))
}

func TestTheOldestFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"log-x.jsonl", "log-1.jsonl", "log-000000.jsonl", "audit-000001.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil { // not files of the plugin
			t.Fatal(err)
		}
	}
	c := opened(t, folder(dir), limits{maxSize: 10, keep: 2})
	mustAppend(t, c, entries(t, 7, 1, 6))
	want := "audit-000001.jsonl log-000000.jsonl log-000004.jsonl log-000005.jsonl log-1.jsonl log-x.jsonl log.jsonl"
	if got := fileNames(t, dir); got != want {
		t.Errorf("files: %s\nwant   %s", got, want)
	}
	// Numbers go on after a restart, and never write over a file.
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	c = opened(t, folder(dir), limits{maxSize: 10})
	if err := os.WriteFile(filepath.Join(dir, "log-000006.jsonl"), []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, c, entries(t, 7, 7, 7))
	if data, err := os.ReadFile(filepath.Join(dir, "log-000006.jsonl")); err != nil || string(data) != "keep me" {
		t.Errorf("log-000006.jsonl: %q, %v", data, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "log-000007.jsonl")); err != nil {
		t.Error(err)
	}
}

func TestOldFileThatCannotBeRemovedStopsNothing(t *testing.T) {
	dir := t.TempDir()
	d := &faultyDisk{folder: folder(dir)}
	c := opened(t, d, limits{maxSize: 10, keep: 1})
	d.failing("remove", errors.New("not today"))
	all := entries(t, 7, 1, 4)
	mustAppend(t, c, all)
	wantContent(t, dir, text(all))
	d.failing("", nil)
	mustAppend(t, c, entries(t, 7, 5, 5))
	if got := fileNames(t, dir); got != "log-000004.jsonl log.jsonl" {
		t.Errorf("files: %s", got)
	}
}
