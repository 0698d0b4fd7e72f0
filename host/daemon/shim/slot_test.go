package shim

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func folder(t *testing.T, dir string) Folder {
	t.Helper()
	f := FolderOf(dir, 7)
	if err := f.Make(); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestARecordHasSpaceForItsEnd(t *testing.T) {
	for _, length := range []int{0, 1, page - 300, page, 100_000} { // of the command
		f := folder(t, t.TempDir())
		rec := Record{ID: 7, Name: "seven", Command: []string{strings.Repeat("x", length)}, Started: time.Now().UTC()}
		s, err := f.reserve(rec)
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Load()
		if err != nil || got.End != nil || got.Command[0] != rec.Command[0] {
			t.Fatalf("with a command of %d bytes: %v, end %v", length, err, got.End)
		}
		before, err := os.Stat(f.state())
		if err != nil {
			t.Fatal(err)
		}
		end := End{At: time.Now().UTC(), Code: -1, Signal: syscall.SIGSEGV, StopRequested: true, LastError: strings.Repeat("\x01", 8<<10)}
		end.Left = make([]process.Identity, 1000) // more than there is space for
		if err := s.put(nil, &end); err != nil {
			t.Fatal(err)
		}
		s.close()
		after, err := os.Stat(f.state())
		if err != nil || after.Size() != before.Size() {
			t.Errorf("the end made the file grow from %d to %d bytes", before.Size(), after.Size())
		}
		got, err = f.Load()
		if err != nil || got.End == nil || got.End.Signal != end.Signal || !got.End.At.Equal(end.At) || !got.End.StopRequested || len(got.End.Left) < 10 {
			t.Errorf("read back: %+v, %v", got.End, err)
		}
	}
}

func TestTheNextRunNeedsNoSpace(t *testing.T) {
	disk := t.TempDir()
	testkit.SmallDisk(t, disk, 1<<20)
	f := folder(t, disk)
	first, err := f.reserve(Record{ID: 7, Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Fill(t, disk)
	for range 3 {
		if err := first.put(&End{Code: -1}, &End{Code: 3}); err != nil {
			t.Fatal(err)
		}
		first.close()
		if got, err := f.Load(); err != nil || got.End == nil || got.End.Code != 3 {
			t.Fatalf("read back: %+v, %v", got.End, err)
		}
		if err := f.RemoveRecord(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("the record was removed: %v", err)
		}
		if first, err = f.reserve(Record{ID: 7, Name: "next"}); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Load(); err != nil || got.End != nil || got.Name != "next" {
			t.Fatalf("the next record: %+v, %v", got, err)
		}
	}
	first.close()
}

func TestAnExitCodeTellsOfAnEndThatIsNotRecorded(t *testing.T) {
	for _, end := range []End{{Code: 0}, {Code: 3}, {Code: 127}, {Code: -1, Signal: syscall.SIGKILL}} {
		if got := EndOf(end.exitCode()); got.Code != end.Code || got.Signal != end.Signal {
			t.Errorf("%+v is told as %+v", end, got)
		}
	}
}
