package process_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
)

func TestAProcessRunsWithItsRights(t *testing.T) {
	testneeds.Root(t, "start processes as another user")
	umask, nice, oom := 0o027, 7, 217
	rights := process.Rights{
		Account: &process.Account{Name: "web", UID: 4711, GID: 4712, Groups: []uint32{4712, 4713, 9}},
		Umask:   &umask, Nice: &nice, OOMScoreAdj: &oom,
	}
	p := sh(t, spawner(t), `
grep -E '^(Uid|Gid|Groups|Umask|CapPrm|CapEff|CapAmb):' /proc/self/status | tr '\t' ' '
cat /proc/self/oom_score_adj
nice
echo again >/dev/stdout
`, func(s *process.Spec) { s.Rights = rights })
	out, _ := io.ReadAll(p.Stdout())
	want := `Umask: 0027
Uid: 4711 4711 4711 4711
Gid: 4712 4712 4712 4712
Groups: 9 4712 4713
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapAmb: 0000000000000000
217
7
again
`
	if got := strings.ReplaceAll(string(out), " \n", "\n"); got != want || !exit(t, p).Clean() {
		t.Errorf("%v:\n%s", p.Exit(), got)
	}
}

// The kernel forgets the signal for the death of the parent when a process changes its user.
func TestAProcessOfAnotherUserDiesWithTheSpawner(t *testing.T) {
	testneeds.Root(t, "start processes as another user")
	s := process.NewSpawner()
	p := sh(t, s, "exec sleep 1000", func(s *process.Spec) { s.Rights.Account = &process.Account{UID: 4711, GID: 4711} })
	s.Close()
	if got := exit(t, p); got.Signal == 0 {
		t.Errorf("it ended with %v", got)
	}
}

func TestWhatAUserMayNotDoIsSaid(t *testing.T) {
	testneeds.Root(t, "start processes as another user")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	testkit.Script(t, program, "#!/bin/sh\n")
	web := process.Rights{Account: &process.Account{Name: "web", UID: 4711, GID: 4711}}
	far := 5000
	for _, c := range []struct {
		spec  process.Spec
		cause process.Cause
		want  string
	}{
		{process.Spec{Path: "/bin/sh", Dir: dir, Rights: web}, process.CauseDir, "start " + dir + ": can't be used as working directory by user web: permission denied; let it enter that folder, or set dir to another"},
		{process.Spec{Path: program, Dir: "/", Rights: web}, process.CausePermission, "start " + program + ": user web may not execute it (check the modes of the file and its folders, and whether the file system is mounted noexec)"},
		{process.Spec{Path: "/bin/sh", Dir: dir + "/none"}, process.CauseDir, "start " + dir + "/none: can't be used as working directory: no such file or directory"},
		{process.Spec{Path: "/bin/sh", Rights: process.Rights{OOMScoreAdj: &far}}, process.CauseRights, "start /bin/sh: set oom_score_adj to 5000: invalid argument"},
	} {
		p, err := spawner(t).Start(context.Background(), c.spec)
		if p != nil {
			t.Errorf("%s started", c.spec.Path)
		}
		start := (*process.StartError)(nil)
		if !errors.As(err, &start) || start.Cause != c.cause || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}
