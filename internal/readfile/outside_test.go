package readfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
)

func useOutside(t *testing.T) {
	t.Helper()
	stop, err := Outside()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
}

// readers returns the pids of the processes that read for this one.
func readers(t *testing.T) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		text, _ := os.ReadFile(name)
		for _, pid := range strings.Fields(string(text)) {
			cmdline, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			if strings.Contains(string(cmdline), readerCommand) {
				pids = append(pids, number(pid))
			}
		}
	}
	return pids
}

func TestAnotherProcessAnswersAsThisOneDoes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("text"), 0o750); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(dir, "open")
	writer, err := os.Create(open)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	type answers struct{ text, read, info string }
	ask := func(path string) (out answers) {
		raw, err := Read(path, 4)
		out.text = string(raw)
		if err != nil {
			out.read = err.Error() // with the path as it was named
		}
		info, err := Examine(t.Context(), path, Within)
		if err != nil {
			return out
		}
		out.info = info.Mode.String() + info.ModTime.UTC().String()
		if info.Executable {
			out.info += " executable"
		}
		if info.Written {
			out.info += " written"
		}
		return out
	}
	t.Chdir(dir)
	paths := []string{"f", "absent", file, dir, open, filepath.Join(dir, "absent"), "/proc/self/stat", "/dev/zero"}
	var here []answers
	for _, path := range paths {
		here = append(here, ask(path))
	}
	useOutside(t)
	for i, path := range paths {
		if got := ask(path); got != here[i] && path != "/proc/self/stat" {
			t.Errorf("%s: %+v, here %+v", path, got, here[i])
		}
	}
	if _, err := Read(filepath.Join(dir, "absent"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(here[0].info, " executable") || !strings.HasSuffix(here[4].info, " written") {
		t.Errorf("got %+v", here)
	}
}

// No thread of this process waits in the kernel, so that it can end.
func TestWhatHangsHangsInAnotherProcess(t *testing.T) {
	f := hangfs.Mount(t)
	useOutside(t)
	f.Hang()
	time.AfterFunc(time.Minute, f.LetGo)
	path := filepath.Join(f.Dir, "f")
	var hung *HungError
	if _, err := ReadWithin(path, 1, 100*time.Millisecond); !errors.As(err, &hung) {
		t.Errorf("got %v", err)
	}
	if _, err := Look(t.Context(), path, time.Hour); !errors.As(err, &hung) {
		t.Errorf("what is known to hang is asked again: %v", err)
	}
	threads, _ := filepath.Glob("/proc/self/task/*/wchan")
	for _, thread := range threads {
		if at, _ := os.ReadFile(thread); strings.Contains(string(at), "request_wait_answer") {
			t.Errorf("%s waits in %s", thread, at)
		}
	}
	if _, err := Read("/etc/passwd", MaxText); err != nil {
		t.Errorf("another file: %v", err)
	}
}

func TestTheProcessIsStartedAgainWhenItWasKilled(t *testing.T) {
	useOutside(t)
	var before []int
	testkit.Until(t, "one process, when those of other tests have ended", func() bool {
		before = readers(t)
		return len(before) == 1
	})
	if err := syscall.Kill(before[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "its end", func() bool { return testkit.Ended(before[0]) })
	if _, err := Read("/etc/passwd", MaxText); err != nil {
		t.Error(err)
	}
	testkit.Until(t, "another one", func() bool { after := readers(t); return len(after) == 1 && after[0] != before[0] })
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
