package architecture

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// smallProgram is started for each health check, and there is one for each daemon.
const smallProgram = "cmd/meshos-shim"

// smallParts are all packages of this project and of others that it is made of.
const smallParts = "cmd/meshos-shim host/cgroup host/daemon/shim host/daemon/shim/standby host/daemon/spool host/mesh host/process host/process/helper host/process/order " +
	"internal/flock internal/pinned internal/plaintext internal/unwritable golang.org/x/sys/unix"

// largeStandard are packages of the standard library that a small program has no use for.
const largeStandard = "crypto/tls crypto/x509 encoding/gob flag go/... html/... net net/... os/exec os/user regexp runtime/cgo testing text/..."

func TestTheSmallProgramStaysSmall(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}+{{end}}{{.ImportPath}}", "./"+smallProgram)
	list.Dir, list.Env = "../..", append(list.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, pkg := range strings.Fields(string(out)) {
		name, other := strings.CutPrefix(pkg, "+")
		switch {
		case other:
			parts = append(parts, strings.TrimPrefix(name, module+"/"))
		case matches(largeStandard, strings.TrimPrefix(name, "vendor/")):
			t.Errorf("%s is made of %s: go list -deps shows by whom", smallProgram, name)
		}
	}
	slices.Sort(parts)
	want := strings.Fields(smallParts)
	slices.Sort(want)
	if !slices.Equal(parts, want) {
		t.Errorf("%s is made of\n%q, and was of\n%q", smallProgram, parts, want)
	}
}
