package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 5, 4, 12, 0, 0, 123456000, time.UTC)

// rest reads all there is for now.
func rest(t interface{ Fatal(...any) }, r *Reader) (out []string) {
	for {
		line, ok, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		if line.Stream != Note && !line.At.Equal(noon) {
			t.Fatal("time", line.At)
		}
		out = append(out, line.Stream.word()+" "+line.Text)
	}
}

func writer(t *testing.T, dir string, full int64) *Writer {
	t.Helper()
	w, err := newWriter(dir, full)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func TestAReaderFollowsAcrossSegmentsAndRestartsOfBothSides(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		const full = 200
		w, err := newWriter(dir, full)
		if err != nil {
			rt.Fatal(err)
		}
		cursor := filepath.Join(dir, "cursor")
		r := newReader(dir, Position{}, full)
		var wrote, read []string
		unread := 0
		follow := func() {
			read, unread = append(read, rest(rt, r)...), 0
			if err := (Cursor{Spool: 7, At: r.Position()}).Save(cursor); err != nil {
				rt.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1, 2:
				text := fmt.Sprintf("line %d %s", len(wrote), strings.Repeat("x", rapid.IntRange(0, 60).Draw(rt, "length")))
				if unread += len(text) + 32; unread > full {
					follow() // no more than one segment behind, so that nothing is lost
					unread = len(text) + 32
				}
				w.Line(noon, Err, text)
				wrote = append(wrote, "err "+text)
			case 3:
				follow()
			case 4:
				_ = w.Close()
				if w, err = newWriter(dir, full); err != nil {
					rt.Fatal(err)
				}
			case 5:
				follow()
				r.Close()
				c, err := LoadCursor(cursor)
				if err != nil || c.Spool != 7 {
					rt.Fatal(c, err)
				}
				r = newReader(dir, c.At, full)
			}
		}
		follow()
		r.Close()
		_ = w.Close()
		if !slices.Equal(read, wrote) {
			rt.Fatalf("read\n%s\nwrote\n%s", strings.Join(read, "\n"), strings.Join(wrote, "\n"))
		}
		if have, _ := segments(dir); len(have) > Segments {
			rt.Fatalf("%d segments are kept", len(have))
		}
	})
}

func TestWhatFellOutOfTheFilesIsReportedOnce(t *testing.T) {
	dir := t.TempDir()
	w := writer(t, dir, 100)
	w.Line(noon, Out, "first")
	r := newReader(dir, Position{}, 100)
	if got := rest(t, r); !slices.Equal(got, []string{"out first"}) {
		t.Fatalf("%q", got)
	}
	at := r.Position()
	r.Close()
	for i := range 30 {
		w.Line(noon, Out, fmt.Sprint(i))
	}
	r = newReader(dir, at, 100)
	defer r.Close()
	got := rest(t, r)
	if len(got) < 3 || !strings.HasPrefix(got[0], "--- output was lost") || got[len(got)-1] != "out 29" {
		t.Fatalf("%q", got)
	}
	for i, line := range got[1:] {
		if want := fmt.Sprint("out ", 30-len(got)+1+i); line != want {
			t.Errorf("%q, want %q", line, want)
		}
	}
}

func TestAnUnfinishedLineWaitsAndATornOneIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	name := segmentPath(dir, 1)
	if err := os.WriteFile(name, []byte(string(Line{At: noon, Stream: Out, Text: "whole"}.append(nil))+"2026-05-04T12:0"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := NewReader(dir, Position{})
	defer r.Close()
	if got := rest(t, r); !slices.Equal(got, []string{"out whole"}) {
		t.Fatalf("%q", got)
	}
	w := writer(t, dir, SegmentSize) // ends the torn line
	w.Line(noon, Out, "after")
	if got := rest(t, r); !slices.Equal(got, []string{"out after"}) {
		t.Fatalf("%q", got)
	}
}

func TestAFullDiskLosesLinesAndReportsThem(t *testing.T) {
	w := writer(t, t.TempDir(), SegmentSize)
	dir := w.dir
	good := w.file
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	w.file = full
	w.Line(noon, Out, "one")
	w.Line(noon, Out, "two")
	w.file = good
	w.Line(noon, Out, "three")
	r := NewReader(dir, Position{})
	defer r.Close()
	want := []string{"--- 2 lines lost: no space left on device", "out three"}
	if got := rest(t, r); !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
}

func TestAFolderThatWasBegunAnewIsReadFromItsBeginning(t *testing.T) {
	dir := t.TempDir()
	w := writer(t, dir, SegmentSize)
	w.Line(noon, Out, "new")
	for _, old := range []Position{{Segment: 1, Offset: 5000}, {Segment: 9, Offset: 0}, {Segment: 9, Offset: SegmentSize}} {
		r := NewReader(dir, old)
		defer r.Close()
		if got := rest(t, r); !slices.Equal(got, []string{"out new"}) {
			t.Errorf("from %+v: %q", old, got)
		}
	}
}

func TestAWatcherWakesForLinesAndNewSegments(t *testing.T) {
	for name, make := range map[string]func() *Watcher{
		"woken by the kernel": NewWatcher,
		"no more inotify": func() *Watcher {
			return &Watcher{stop: make(chan struct{}), wakes: map[int]chan struct{}{}}
		},
		"no more watches": func() *Watcher {
			w := NewWatcher()
			w.add = func(int, string, uint32) (int, error) { return -1, unix.ENOSPC }
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			watcher := make()
			defer watcher.Close()
			dir := t.TempDir()
			w := writer(t, dir, 100)
			wake, remove, err := watcher.Add(dir)
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				w.Line(noon, Out, strings.Repeat("x", 60))
				select {
				case <-wake:
				case <-time.After(testkit.Patience):
					t.Fatal("not woken")
				}
			}
			remove()
		})
	}
}

func TestAWriterLeavesASegmentThatWasRemovedAndNothingIsReadTwice(t *testing.T) {
	dir := t.TempDir()
	w := writer(t, dir, 100)
	r := newReader(dir, Position{}, 100)
	defer r.Close()
	var want []string
	line := func(text string) {
		t.Helper()
		w.Line(noon, Out, text)
		want = append(want, "out "+text)
	}
	line("one, which is long enough that the first segment is full, since that takes a hundred bytes")
	line("two")
	got := rest(t, r)
	if err := os.Remove(segmentPath(dir, 2)); err != nil { // and the first one stays
		t.Fatal(err)
	}
	got = append(got, rest(t, r)...)
	line("three")
	got = append(got, rest(t, r)...)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	got = append(got, rest(t, r)...)
	line("four")
	if got = append(got, rest(t, r)...); !slices.Equal(got, want) {
		t.Errorf("read are %q, want %q", got, want)
	}
}
