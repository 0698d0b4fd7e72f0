package standby

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	fd := memory(t)
	s := State{
		Response: 3, Lock: 4, Stdout: 5, Stderr: 6, Output: 7, Record: 8, Main: 1234, Segment: 2, Size: 4711, SegmentSize: 1, Segments: 3,
		MaxLine: 9, MaxLines: 10, Window: 11, Whole: []byte("whole"), Text: []byte("text"), Dir: []byte("/dir"),
	}
	if err := s.Write(fd); err != nil {
		t.Fatal(err)
	}
	lean, ok := Read(fd, false)
	if !ok || lean.Whole != nil || string(lean.Text) != "text" || lean.Main != 1234 || lean.Record != 8 {
		t.Fatalf("it was read as %+v, %v", lean, ok)
	}
	lean.Response, lean.Lines, lean.Suppressed, lean.WindowEnd, lean.Signals, lean.Unanswered = -1, 5, 6, 7, 8, true
	lean.Out, lean.Err, lean.LastError = []byte("a longer beginning of a line"), []byte("err"), []byte("last")
	if err := lean.update(fd); err != nil {
		t.Fatal(err)
	}
	again, ok := Read(fd, true)
	lean.Whole = s.Whole
	if want := fmt.Sprintf("%+v", lean); !ok || fmt.Sprintf("%+v", again) != want {
		t.Errorf("it is %+v, want %s", again, want)
	}
	if _, ok := Read(memory(t), true); ok {
		t.Error("an empty file has a state")
	}
}

func TestATimeIsWrittenAsPackageTimeDoes(t *testing.T) {
	t.Parallel()
	for _, day := range []string{"1970-01-01", "1999-12-31", "2000-02-29", "2000-03-01", "2024-02-29", "2026-11-30", "2100-02-28", "2100-03-01", "2400-12-31"} {
		for _, clock := range []string{"00:00:00.000000", "23:59:59.999999", "12:34:56.000789"} {
			want := day + "T" + clock + "Z"
			at, err := time.Parse(time.RFC3339Nano, want)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(appendStamp(nil, uint64(at.UnixNano()))); at.Year() < 2262 && got != want {
				t.Errorf("%s is written as %s", want, got)
			}
		}
	}
}

func TestInvalidBytesAreReplacedAsPackageStringsDoes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", "gr\u00fc\u00df", "a\xff\xfeb\xc3", "\x80", "\xe2\x82 \xe2\x82\xac", "\uFFFD\xff"} {
		if got, want := string(appendValid(nil, []byte(text))), strings.ToValidUTF8(text, "\uFFFD"); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsPrintedIsStored(t *testing.T) {
	t.Parallel()
	w, print := printer(t)
	print(0, "one\ntwo\r\nthr", true)
	print(1, "bad\xff\n \n", true)
	print(0, "ee\n\nrest", true)
	want := []string{"out one", "out two", "err bad\uFFFD", "err  ", "out three", "out "}
	if got := stored(t, w, 1); !slices.Equal(got, want) {
		t.Errorf("stored are %q, want %q", got, want)
	}
	if string(w.Out) != "rest" || string(w.LastError) != "bad\xff" {
		t.Errorf("what is not stored is %q, the last error %q", w.Out, w.LastError)
	}
}

func TestWhatOnlyTheWholeShimStoresIsLeftToIt(t *testing.T) {
	t.Parallel()
	w, print := printer(t)
	long := strings.Repeat("x", int(w.MaxLine)+1)
	print(0, "one\n"+long+"\ntwo\n", false)
	if got := stored(t, w, 1); !slices.Equal(got, []string{"out one"}) || string(w.Out) != long+"\ntwo\n" {
		t.Errorf("of a line that is too long %q is stored and %q left", got, w.Out)
	}
	w, print = printer(t)
	print(0, long+"x", false)
	if string(w.Out) != long+"x" {
		t.Errorf("of the beginning of one %q is left", w.Out)
	}
	w, print = printer(t)
	_ = unix.Close(w.Output)
	full, err := unix.Open("/dev/full", unix.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Output = full
	print(1, "one\ntwo\n", false)
	if string(w.Err) != "one\ntwo\n" || w.Lines != 0 {
		t.Errorf("of a full disk %q is left, after %d lines", w.Err, w.Lines)
	}
}

func TestTooManyLinesAreCounted(t *testing.T) {
	t.Parallel()
	w, print := printer(t)
	print(0, strings.Repeat("a\n", int(w.MaxLines)+3), true)
	if got := stored(t, w, 1); len(got) != int(w.MaxLines) || w.Suppressed != 3 || w.due() <= 0 {
		t.Fatalf("%d lines are stored and %d suppressed, due in %d", len(got), w.Suppressed, w.due())
	}
	if !w.endWindow(w.WindowEnd) || w.Suppressed != 0 || w.due() != -1 {
		t.Error("the window does not end")
	}
	if got := stored(t, w, 1); got[len(got)-1] != "sup 3" {
		t.Errorf("the last line is %q", got[len(got)-1])
	}
}

func TestAFullSegmentIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	w, print := printer(t)
	w.MaxLines = 1000
	for i := range 40 {
		print(0, fmt.Sprintf("line %d\n", i), true)
	}
	names, _ := filepath.Glob(string(w.Dir) + "/*")
	if len(names) != 2 || w.Segment < 3 || filepath.Base(names[1]) != fmt.Sprintf("out.%08d.log", w.Segment) {
		t.Errorf("there are %q, and segment %d", names, w.Segment)
	}
	if got := stored(t, w, w.Segment-1); got[len(got)-1][:4] != "out " {
		t.Errorf("the segment before holds %q", got)
	}
}

// A process that lives for months must not collect garbage, since that alone takes more memory
// than all it needs.
func TestStoringMakesNoGarbage(t *testing.T) {
	w, print := printer(t)
	w.MaxLines, w.SegmentSize = 1<<40, 1<<40
	text := strings.Repeat("a line of output\n", 20)
	print(0, text, true)
	print(1, text, true)
	if n := testing.AllocsPerRun(100, func() { print(0, text, true); print(1, text, true) }); n > 2 { // those of this test
		t.Errorf("%v allocations", n)
	}
}

// printer returns a standby whose daemon prints what is handed to print, which says whether the
// standby goes on then.
func printer(t *testing.T) (w *standby, print func(stream int, text string, goesOn bool)) {
	t.Helper()
	dir := t.TempDir()
	output, err := unix.Open(filepath.Join(dir, "out.00000001.log"), unix.O_RDWR|unix.O_CREAT|unix.O_APPEND|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w = &standby{State: &State{Output: output, Dir: []byte(dir), Segment: 1, SegmentSize: 600, Segments: 2, MaxLine: 100, MaxLines: 10, Window: uint64(time.Hour)}}
	var writers [2]int
	for i := range writers {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		writers[i] = ends[1]
		w.streams[i] = stream{fd: ends[0], word: []string{"out", "err"}[i], isError: i == 1, rest: []*[]byte{&w.Out, &w.Err}[i]}
		t.Cleanup(func() { _, _ = unix.Close(ends[0]), unix.Close(ends[1]) })
	}
	t.Cleanup(func() { _ = unix.Close(w.Output) })
	return w, func(stream int, text string, goesOn bool) {
		if _, err := unix.Write(writers[stream], unsafe.Slice(unsafe.StringData(text), len(text))); err != nil {
			t.Fatal(err)
		}
		if got := w.take(&w.streams[stream]); got != goesOn {
			t.Fatalf("after %q it goes on: %v", text, got)
		}
	}
}

// stored returns the lines of a segment without their times.
func stored(t *testing.T, w *standby, segment uint64) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(w.segment(segment))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		stamp, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z", stamp); err != nil {
			t.Error(err)
		}
		lines = append(lines, rest)
	}
	return lines
}

func memory(t *testing.T) int {
	t.Helper()
	fd, err := unix.MemfdCreate("state", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}
