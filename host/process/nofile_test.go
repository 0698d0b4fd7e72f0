package process_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// printsLimit is set in a process that prints how many files its children may open.
const printsLimit = "PROCESS_TEST_PRINTS_LIMIT"

// A Go program raises its own soft limit of open files. What it starts gets the limit that
// it was given itself, since a program with select(2) can't use more.
func TestChildrenGetTheOldLimitOfOpenFiles(t *testing.T) {
	if os.Getenv(printsLimit) != "" {
		out, err := io.ReadAll(sh(t, spawner(t), "ulimit -Sn").Stdout())
		if err != nil {
			t.Error(err)
		}
		t.Logf("limit %s.", bytes.TrimSpace(out))
		return
	}
	again := exec.Command("/bin/sh", "-c", `ulimit -Sn 300; exec "$0" -test.v -test.run "^`+t.Name()+`$"`, os.Args[0])
	again.Env = append(os.Environ(), printsLimit+"=1")
	out, err := again.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "limit 300.") {
		t.Errorf("%v: %s", err, out)
	}
}
