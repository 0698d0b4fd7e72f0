package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/hangfs"
)

// inherited is a script that prints what a process has from its start.
const inherited = `set -- $(cat /proc/$$/stat); [ $$ = $5 ] && [ $$ = $6 ] && echo "leads its group and its session"
ulimit -n; ulimit -c; umask; pwd; env | grep -v -e MESHOS_RUN= -e ^_= | sort
cd /proc/$$/fd; echo *; grep -E '^(Sig|Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/$$/status | grep -v SigQ
grep -c MESHOS_RUN /proc/$$/environ; cat <&3; printf err >&2; exit 3`

// both calls test with a spawner that starts everything through helpers, and with a lone one.
func both(t *testing.T, test func(t *testing.T, s *process.Spawner)) {
	t.Run("helper", func(t *testing.T) { test(t, spawner(t)) })
	t.Run("alone", func(t *testing.T) {
		s := process.NewLoneSpawner()
		t.Cleanup(s.Close)
		test(t, s)
	})
}

func TestAProcessOfALoneSpawnerHasWhatOneOfAHelperHas(t *testing.T) {
	dir := t.TempDir()
	var said []string
	both(t, func(t *testing.T, s *process.Spawner) {
		given, err := os.CreateTemp(dir, "given")
		if err == nil {
			_, err = given.WriteString("given")
		}
		if err == nil {
			_, err = given.Seek(0, io.SeekStart)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = given.Close() }()
		rested := make(chan struct{})
		p := sh(t, s, inherited, func(spec *process.Spec) {
			spec.Local, spec.Dir, spec.ExtraFiles = true, dir, []*os.File{given}
			spec.Rest = func() { close(rested) }
		})
		out, err := io.ReadAll(p.Stdout())
		if err != nil {
			t.Fatal(err)
		}
		errs, err := io.ReadAll(p.Stderr())
		if err != nil {
			t.Fatal(err)
		}
		if e := exit(t, p); e.Code != 3 || e.MaxRSSBytes == 0 {
			t.Errorf("it ended with %+v", e)
		}
		<-rested
		said = append(said, string(out)+string(errs))
	})
	if said[0] != said[1] {
		t.Errorf("with a helper:\n%s\nalone:\n%s", said[0], said[1])
	}
}

func TestALoneSpawnerFailsAsAHelperDoes(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"plain": "text", "loader": "#!/no/such/loader\n", "unknown": "\x01\x02\x03\x04"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "plain"), 0o644); err != nil {
		t.Fatal(err)
	}
	specs := []process.Spec{
		{Path: filepath.Join(dir, "missing")},
		{Path: dir},
		{Path: filepath.Join(dir, "plain")},
		{Path: filepath.Join(dir, "loader")},
		{Path: filepath.Join(dir, "unknown")},
		{Path: "/bin/true", Dir: filepath.Join(dir, "missing")},
		{Path: "/bin/true", Args: []string{"\x00"}},
		{Path: "/bin/true", Cgroup: filepath.Join(dir, "missing")}, // it begins elsewhere
	}
	var said []string
	both(t, func(t *testing.T, s *process.Spawner) {
		all := ""
		for _, spec := range specs {
			spec.Local = true
			p, err := s.Start(t.Context(), spec)
			all += fmt.Sprintln(err)
			if p != nil {
				exit(t, p)
				_, _ = p.Stdout().Close(), p.Stderr().Close()
			}
		}
		said = append(said, all)
	})
	if said[0] != said[1] {
		t.Errorf("with a helper:\n%s\nalone:\n%s", said[0], said[1])
	}
}

func TestTheProcessesOfALoneSpawnerAreKilledWithIt(t *testing.T) {
	s := process.NewLoneSpawner()
	p := sh(t, s, "exec sleep 60", func(spec *process.Spec) { spec.Local = true })
	s.Close()
	if e := exit(t, p); e.Signal != syscall.SIGKILL {
		t.Errorf("it ended with %v", e)
	}
}

// What is not Local goes through a helper, so that the start can be given up.
func TestALoneSpawnerDoesNotWaitForAFileSystemThatHangs(t *testing.T) {
	t.Parallel()
	fs := hangfs.Hung(t)
	defer fs.End()
	s := process.NewLoneSpawner()
	ctx, cancel := context.WithCancel(t.Context())
	cause := make(chan error, 1)
	go func() {
		_, err := s.Start(ctx, process.Spec{Path: filepath.Join(fs.Dir, "program")})
		cause <- err
	}()
	if e := exit(t, sh(t, s, "exit 0", func(spec *process.Spec) { spec.Local = true })); !e.Clean() {
		t.Errorf("another start: %v", e)
	}
	cancel()
	if err := <-cause; err == nil {
		t.Error("it started")
	}
	fs.End()
	s.Close()
}
