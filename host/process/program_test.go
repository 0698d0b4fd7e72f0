package process_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

// load copies a file.
func load(t *testing.T, s *process.Spawner, path string) *process.Program {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	p, err := s.Load(ctx, path, process.LoadOptions{MaxSize: 10 << 20, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// run executes a program and returns what it prints, and its end.
func run(t *testing.T, s *process.Spawner, spec process.Spec) (string, process.Exit) {
	t.Helper()
	if spec.Env == nil {
		spec.Env = []string{"PATH=/usr/bin:/bin"}
	}
	p, err := s.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stderr().Close()
	out, err := io.ReadAll(p.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	return string(out), exit(t, p)
}

func TestWhatIsExecutedIsWhatWasRead(t *testing.T) {
	script := func(say string) []byte { return []byte("#!/bin/sh\necho " + say + "\n") }
	program := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, files := range map[string][2][]byte{
		"script":  {script("good"), script("evil")},
		"program": {program("/bin/true"), program("/bin/false")},
	} {
		for how, change := range map[string]func(path string, content []byte) error{
			"renamed over": func(path string, content []byte) error {
				if err := os.WriteFile(path+".next", content, 0o755); err != nil {
					return err
				}
				return os.Rename(path+".next", path)
			},
			"written in place": func(path string, content []byte) error {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err != nil {
					return err
				}
				_, err = f.Write(content)
				return errors.Join(err, f.Close())
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				s := spawner(t)
				path := filepath.Join(t.TempDir(), "plugin")
				testkit.Program(t, path, files[0])
				stop := make(chan struct{})
				var attack sync.WaitGroup
				attack.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						if err := change(path, files[i%2]); err != nil {
							t.Error(err)
							return
						}
					}
				})
				defer attack.Wait()
				defer close(stop)
				ran := [2]int{}
				for range 60 {
					copied, err := s.Load(t.Context(), path, process.LoadOptions{MaxSize: 1 << 30, Dir: t.TempDir()})
					if busy := (*process.LoadError)(nil); errors.As(err, &busy) && busy.Cause == process.LoadBusy {
						continue // it is not taken while it is written
					}
					if err != nil {
						t.Fatal(err)
					}
					text, err := io.ReadAll(copied.Reader())
					if err != nil {
						t.Fatal(err)
					}
					which := 0
					switch string(text) {
					case string(files[0]):
					case string(files[1]):
						which = 1
					default:
						continue // a mixture, whose checksum is nobody's
					}
					out, end := run(t, s, process.Spec{Path: path, Program: copied})
					copied.Close()
					ran[which]++
					if evil := out == "evil\n" || out == "" && !end.Clean(); evil != (which == 1) {
						t.Fatalf("read file %d, executed another: %q, %v", which, out, end)
					}
				}
				t.Logf("executed %v", ran)
			})
		}
	}
}

func TestAProgramIsSealedAndKeepsItsName(t *testing.T) {
	s := spawner(t)
	path := filepath.Join(t.TempDir(), "my-plugin")
	if err := os.Symlink("/bin/sleep", path); err != nil {
		t.Fatal(err)
	}
	copied := load(t, s, path)
	if !copied.Sealed() {
		testneeds.Missing(t, "this system executes no memory")
	}
	p, err := s.Start(t.Context(), process.Spec{Path: path, Program: copied, Args: []string{"1000"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stdout().Close()
	defer p.Stderr().Close()
	defer p.Stop(context.Background(), syscall.SIGKILL, 0)
	proc := fmt.Sprintf("/proc/%d/", p.Pid())
	if cmdline, _ := os.ReadFile(proc + "cmdline"); string(cmdline) != path+"\x001000\x00" {
		t.Errorf("its command line is %q", cmdline)
	}
	if left, _ := filepath.Glob(proc + "fd/*"); len(left) != 3 {
		t.Errorf("it has the descriptors %v", left)
	}
	for _, name := range []string{proc + "exe", proc + "map_files"} {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.Write([]byte("x"))
			_ = f.Close()
		}
		if err == nil {
			t.Errorf("%s was written to", name)
		}
	}
}

func TestAScriptHasItselfToReadAndNothingElse(t *testing.T) {
	s := spawner(t)
	path := filepath.Join(t.TempDir(), "script")
	text := "#!/bin/bash\necho $0 $*\nls /proc/self/fd | tr '\\n' ' '\n{ echo x >&4; } 2>/dev/null || echo read-only\n"
	testkit.Script(t, path, text)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	out, end := run(t, s, process.Spec{Path: path, Program: load(t, s, path), Args: []string{"a"}, ExtraFiles: []*os.File{null}})
	// 3 is the file that was handed over, 4 the script; bash hides its own descriptor from ls,
	// which opens 5 itself.
	if want := "/proc/self/fd/4 a\n0 1 2 3 4 5 read-only\n"; !strings.HasPrefix(out, want) || !end.Clean() {
		t.Errorf("%q, %v, want %q", out, end, want)
	}
}

func TestFilesThatAreNotLoaded(t *testing.T) {
	s, dir := spawner(t), t.TempDir()
	sparse := filepath.Join(dir, "sparse")
	if err := os.WriteFile(sparse, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(sparse, 300<<30); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]process.LoadCause{
		sparse: process.LoadTooLarge, pipe: process.LoadKind, "/dev/zero": process.LoadKind,
		dir: process.LoadKind, dir + "/none": process.LoadOpen,
		"/proc/self/pagemap": process.LoadTooLarge, // says that it is empty
	} {
		_, err := s.Load(t.Context(), path, process.LoadOptions{MaxSize: 1 << 20, Dir: dir})
		if e := (*process.LoadError)(nil); !errors.As(err, &e) || e.Cause != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := s.Load(t.Context(), leased(t), process.LoadOptions{MaxSize: 1 << 20, Dir: dir}); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("a file on which there is a lease: %v", err)
	}
}

// TestWhereMemoryIsNotExecuted runs itself again where the system forbids it: in a process
// namespace of its own, for which alone it is forbidden.
func TestWhereMemoryIsNotExecuted(t *testing.T) {
	const setting = "/proc/sys/vm/memfd_noexec"
	if os.Getenv("NO_MEMFD_EXEC") == "" {
		if _, err := os.Stat(setting); err != nil || os.Geteuid() != 0 {
			testneeds.Missing(t, "needs root and %s", setting)
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestWhereMemoryIsNotExecuted$", "-test.v")
		cmd.Env = append(os.Environ(), "NO_MEMFD_EXEC=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	if err := os.WriteFile(setting, []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	s, dir := process.NewSpawner(), t.TempDir()
	defer s.Close()
	for name, text := range map[string]string{"script": "#!/bin/sh\necho yes\n", "program": ""} {
		path := "/bin/echo"
		if text != "" {
			path = filepath.Join(dir, name)
			testkit.Script(t, path, text)
		}
		private := t.TempDir()
		p, err := s.Load(t.Context(), path, process.LoadOptions{MaxSize: 10 << 20, Dir: private})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if p.Sealed() {
			t.Error("the copy says that nobody can change it")
		}
		if left, _ := os.ReadDir(private); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		started, err := s.Start(t.Context(), process.Spec{Path: path, Program: p, Args: []string{"yes"}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(started.Stdout())
		_ = started.Stderr().Close()
		if string(out) != "yes\n" || err != nil {
			t.Errorf("%s printed %q, %v", name, out, err)
		}
		<-started.Done()
	}
}
