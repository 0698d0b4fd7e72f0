package process_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/process"
)

// printsLimit is set in a process that prints how many files its children may open.
const printsLimit = "PROCESS_TEST_PRINTS_LIMIT"

// A Go program raises its own soft limit of open files. What it starts gets the limit that
// it was given itself, since a program with select(2) can't use more.
func TestChildrenGetTheOldLimitOfOpenFiles(t *testing.T) {
	if os.Getenv(printsLimit) != "" {
		s := spawner(t)
		program, err := s.Load(t.Context(), "/bin/sh", process.LoadOptions{MaxSize: 1 << 30, Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		for _, how := range []func(*process.Spec){func(*process.Spec) {}, func(spec *process.Spec) { spec.Program = program }} {
			out, err := io.ReadAll(sh(t, s, "ulimit -Sn", how).Stdout())
			if err != nil {
				t.Error(err)
			}
			t.Logf("limit %s.", bytes.TrimSpace(out))
		}
		return
	}
	again := exec.Command("/bin/sh", "-c", `ulimit -Sn 300; exec "$0" -test.v -test.run "^`+t.Name()+`$"`, os.Args[0])
	again.Env = append(os.Environ(), printsLimit+"=1")
	out, err := again.CombinedOutput()
	if err != nil || strings.Count(string(out), "limit 300.") != 2 {
		t.Errorf("%v: %s", err, out)
	}
}
