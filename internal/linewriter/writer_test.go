package linewriter

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/internal/testkit"
)

func TestMain(m *testing.M) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

const patience = testkit.Patience

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func report(l Loss) []byte { return fmt.Appendf(nil, "lost %d: %v\n", l.Lines, l.Cause) }

// blocking returns a descriptor whose writes wait; os.File's own would not.
func blocking(t *testing.T, f *os.File) uintptr {
	t.Helper()
	return f.Fd() // makes it so
}

func TestLinesArriveWholeAndInOrder(t *testing.T) {
	r, f := pipe(t)
	w := New(blocking(t, f), report)
	go func() {
		for i := range 1000 {
			_, _ = fmt.Fprintf(w, "line %d\n", i)
		}
		w.Close(patience)
		_ = f.Close()
	}()
	lines := bufio.NewScanner(r)
	for i := range 1000 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("line %d", i) {
			t.Fatalf("line %d is %q", i, lines.Text())
		}
	}
	if lines.Scan() {
		t.Errorf("and then %q", lines.Text())
	}
}

// Nobody reads, and every line is taken all the same; later the reader learns what it missed,
// in the place where it is missing.
func TestAPipeThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	for name, prepare := range map[string]func(*os.File) uintptr{
		"a descriptor that blocks":    func(f *os.File) uintptr { return f.Fd() },
		"one that others made not to": func(f *os.File) uintptr { fd := f.Fd(); _ = syscall.SetNonblock(int(fd), true); return fd },
	} {
		t.Run(name, func(t *testing.T) {
			r, f := pipe(t)
			w := newWriter(prepare(f), 100<<10, report)
			line := strings.Repeat("x", 999) + "\n"
			const written = 1000
			for range written {
				if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
					t.Fatal(n, err)
				}
			}
			if w.Close(time.Millisecond) {
				t.Error("Close reports that all was written")
			}
			lost := w.Lost()
			if lost < written/2 {
				t.Errorf("lost %d", lost)
			}
			drained := make(chan string)
			go func() {
				var all strings.Builder
				_, _ = bufio.NewReader(r).WriteTo(&all)
				drained <- all.String()
			}()
			<-w.done
			_ = f.Close()
			<-drained
		})
	}
}

func TestALossIsReportedWhereItHappened(t *testing.T) {
	r, f := pipe(t)
	w := newWriter(blocking(t, f), 8<<10, report)
	const written = 500 // more than the pipe and the buffer hold together
	filler := strings.Repeat("x", 1000)
	for i := range written {
		_, _ = fmt.Fprintf(w, "%d %s\n", i, filler)
	}
	lost := w.Lost()
	if lost == 0 {
		t.Fatal("nothing was lost")
	}
	lines := bufio.NewScanner(r)
	next, reported := 0, 0
	for next < written && lines.Scan() {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "lost %d: <nil>", &n); err == nil {
			next, reported = next+n, reported+n
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "%d", &n); err != nil || n != next {
			t.Fatalf("instead of line %d came %.50q", next, lines.Text())
		}
		next++
	}
	if uint64(reported) != lost {
		t.Errorf("%d lines were lost, and %d reported", lost, reported)
	}
	_, _ = w.Write([]byte("again\n"))
	if !lines.Scan() || lines.Text() != "again" {
		t.Errorf("then came %q", lines.Text())
	}
	if !w.Close(patience) || w.Lost() != lost {
		t.Errorf("lost %d, before %d", w.Lost(), lost)
	}
}

func TestAReaderThatIsGoneEndsNothing(t *testing.T) {
	r, f := pipe(t)
	w := New(blocking(t, f), report)
	_ = r.Close()
	for range 10 {
		_, _ = w.Write([]byte("unread\n"))
	}
	if w.Close(patience) {
		t.Error("Close reports that all was written")
	}
	if w.Lost() != 10 {
		t.Errorf("lost %d", w.Lost())
	}
}

// A FIFO has a reader again after the first one has gone.
func TestTheNextReaderLearnsWhatWasLost(t *testing.T) {
	path := t.TempDir() + "/log"
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	w := New(blocking(t, f), report)
	_ = both.Close()
	_, _ = w.Write([]byte("one\n"))
	_, _ = w.Write([]byte("two\n"))
	testkit.Until(t, "both lines to be lost", func() bool { return w.Lost() == 2 })
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	_, _ = w.Write([]byte("three\n"))
	if !w.Close(patience) {
		t.Error("Close reports a loss")
	}
	got := make([]byte, 1000)
	n, _ := r.Read(got)
	if want := "lost 2: broken pipe\nthree\n"; string(got[:n]) != want {
		t.Errorf("got %q", got[:n])
	}
}
