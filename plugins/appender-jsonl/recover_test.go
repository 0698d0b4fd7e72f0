package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Wherever the last records are cut, complete lines stay and the rest is removed. Sending
// all records again restores the file.
func TestTornTailAtEveryByte(t *testing.T) {
	t.Parallel()
	all := entries(t, 7, 1, 5)
	whole := text(all)
	short := len(text(all[:2]))
	for cut := short; cut <= len(whole); cut++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "log.jsonl")
		if err := os.WriteFile(path, []byte(whole[:cut]), 0o600); err != nil {
			t.Fatal(err)
		}
		c := opened(t, folder(dir), roomy)
		kept := whole[:strings.LastIndexByte(whole[:cut], '\n')+1]
		wantContent(t, dir, kept)
		if torn := cut - len(kept); (torn > 0) != (len(c.warnings) == 1) {
			t.Fatalf("%d torn bytes, warnings %q", torn, c.warnings)
		} else if torn > 0 && !strings.Contains(c.warnings[0], fmt.Sprintf("log.jsonl: cut off a torn last line of %d bytes", torn)) {
			t.Fatalf("warning %q", c.warnings[0])
		}
		mustAppend(t, c, all)
		wantContent(t, dir, whole)
	}
}

// A power loss may leave a file longer than what was written, with zeros in it.
func TestZerosAtTheEndAreTorn(t *testing.T) {
	dir := t.TempDir()
	all := entries(t, 7, 1, 2)
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(text(all[:1])+strings.Repeat("\x00", 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := opened(t, folder(dir), roomy)
	mustAppend(t, c, all)
	wantContent(t, dir, text(all))
}

func TestDamagedLineIsNamedAndLeft(t *testing.T) {
	dir := t.TempDir()
	all := entries(t, 7, 1, 4)
	bad := strings.Replace(string(all[1].line), `{"log"`, `{log"`, 1)
	before := text(all[:1]) + bad + text(all[2:3])
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	c := opened(t, folder(dir), roomy)
	if len(c.warnings) != 1 || !strings.HasPrefix(c.warnings[0], "log.jsonl:2: damaged line: not JSON") {
		t.Errorf("warnings %q", c.warnings)
	}
	// The damaged record is not held: when it comes again it is written.
	mustAppend(t, c, all)
	wantContent(t, dir, before+text(all[1:2], all[3:]))
}

func TestManyDamagedLinesAreCounted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(strings.Repeat("junk\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := opened(t, folder(dir), roomy)
	if n := len(c.warnings); n != maxNamed+1 || !strings.Contains(c.warnings[n-1], "995 more damaged lines") {
		t.Errorf("warnings %q", c.warnings)
	}
}

func TestLinesLongerThanBuffersAndBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, long, err := encode(logRecord(7, 1))
	if err != nil {
		t.Fatal(err)
	}
	long.line = []byte(strings.Replace(string(long.line), "line 1", strings.Repeat("x", 1<<20), 1))
	after := entries(t, 7, 2, 2)
	huge := strings.Repeat("y", maxLine+1) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(string(long.line)+huge+text(after)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := opened(t, folder(dir), roomy)
	if !c.held.has(long.key) || !c.held.has(after[0].key) {
		t.Errorf("held %+v", c.held)
	}
	if len(c.warnings) != 1 || !strings.Contains(c.warnings[0], "log.jsonl:2: damaged line: longer than") {
		t.Errorf("warnings %.200q", c.warnings)
	}
}

// Of a file that is too large to be read at the start, the end is read. Nothing is cut off
// that is not torn.
func TestOnlyTheEndOfAHugeFileIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := entries(t, 7, 1, 3)
	junk := "junk\n"
	if _, err := f.WriteAt([]byte(text(all[:1])+"\n"), 0); err != nil { // the rest of the first part is a hole
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("\n"+junk+text(all[1:])+"torn"), scanCurrent+1000); err != nil {
		t.Fatal(err)
	}
	c := opened(t, folder(dir), limits{maxSize: 1 << 30})
	want := scanCurrent + 1000 + int64(len("\n"+junk+text(all[1:])))
	if c.size != want || c.held.has(all[0].key) || !c.held.has(all[1].key) || !c.held.has(all[2].key) {
		t.Errorf("size %d, want %d; held %+v", c.size, want, c.held)
	}
	if len(c.warnings) != 2 || !strings.HasPrefix(c.warnings[1], fmt.Sprintf("log.jsonl: byte %d: damaged line: not JSON", scanCurrent+1001)) {
		t.Errorf("warnings %q", c.warnings)
	}
}

// A torn end that is longer than what is read first is cut off where its line begins,
// too: the next record must not continue that line.
func TestTornEndLongerThanWhatIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := entries(t, 7, 1, 2)
	path := filepath.Join(dir, "log.jsonl")
	if err := os.WriteFile(path, []byte(text(all[:1])+"torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, scanCurrent+1000); err != nil { // a hole, which reads as zeros
		t.Fatal(err)
	}
	c := opened(t, folder(dir), limits{maxSize: 1 << 30})
	mustAppend(t, c, all)
	wantContent(t, dir, text(all))
}

// After a restart every record on disk is skipped: of this epoch, of older ones, and of
// rotated files.
func TestRestartKnowsWhatIsHeld(t *testing.T) {
	dir := t.TempDir()
	old, recent := entries(t, 99, 1, 50), entries(t, 3, 1, 50)
	small := limits{maxSize: 4096}
	c := opened(t, folder(dir), small)
	mustAppend(t, c, old)
	mustAppend(t, c, recent[:30])
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	want := text(old, recent)
	for range 3 {
		c = opened(t, folder(dir), small)
		mustAppend(t, c, old[20:])
		mustAppend(t, c, recent)
		wantContent(t, dir, want)
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "log-000001.jsonl")); err != nil {
		t.Errorf("no file was rotated: %v", err)
	}
}

// An earlier process may have died between write and fsync. What it left counts as held
// only once it is on disk.
func TestOpeningMakesWhatIsFoundDurable(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(text(entries(t, 7, 1, 3))), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &faultyDisk{folder: folder(dir)}
	opened(t, d, roomy)
	d.mu.Lock()
	ops := strings.Join(d.ops, ", ")
	d.mu.Unlock()
	if ops != "open log.jsonl, fsync log.jsonl, sync folder" {
		t.Errorf("opening did %s", ops)
	}
}

// Tools like logrotate may move the current file away, or cut it short.
func TestFileThatAnotherProgramChanged(t *testing.T) {
	for name, touch := range map[string]func(path string) error{
		"moved away": func(path string) error { return os.Rename(path, path+".1") },
		"removed":    os.Remove,
		"cut":        func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := opened(t, folder(dir), roomy)
			mustAppend(t, c, entries(t, 7, 1, 3))
			if err := touch(filepath.Join(dir, "log.jsonl")); err != nil {
				t.Fatal(err)
			}
			mustAppend(t, c, entries(t, 7, 2, 5))
			wantContent(t, dir, text(entries(t, 7, 4, 5)))
			if len(c.warnings) != 1 || !strings.Contains(c.warnings[0], "changed by another program") {
				t.Errorf("warnings %q", c.warnings)
			}
		})
	}
	t.Run("longer, with a torn line", func(t *testing.T) {
		dir := t.TempDir()
		c := opened(t, folder(dir), roomy)
		mustAppend(t, c, entries(t, 7, 1, 1))
		foreign := text(entries(t, 7, 2, 2))
		f, err := os.OpenFile(filepath.Join(dir, "log.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(foreign + `{"log`); err != nil {
			t.Fatal(err)
		}
		mustAppend(t, c, entries(t, 7, 1, 3))
		wantContent(t, dir, text(entries(t, 7, 1, 3)))
	})
}
