package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/hangfs"
	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// hungDaemons are four daemons on a file system that may hang, with its program, its folder
// or its check, and one that has nothing to do with it.
func hungDaemons(fs *hangfs.FS) string {
	const check = "[daemon.health]\ntype = \"exec\"\ncommand = [%q]\ninterval = \"100ms\"\ntimeout = \"10s\"\nfailures = 1\n"
	return strings.Join([]string{
		"[[daemon]]\nid = 1\nname = \"innocent\"\ncommand = [\"/bin/sleep\", \"1000\"]\n" + fmt.Sprintf(check, "/bin/true"),
		"[[daemon]]\nid = 2\nname = \"checked\"\ncommand = [\"/bin/sleep\", \"1000\"]\n" +
			strings.Replace(fmt.Sprintf(check, fs.Dir+"/check"), "10s", "200ms", 1),
		fmt.Sprintf("[[daemon]]\nid = 3\nname = \"program\"\ncommand = [%q, \"1000\"]\n", fs.Dir+"/sleep"),
		fmt.Sprintf("[[daemon]]\nid = 4\nname = \"folder\"\ncommand = [\"sleep\", \"1000\"]\ndir = %q\n", fs.Dir+"/folder"),
		fmt.Sprintf("[[daemon]]\nid = 5\nname = \"searched\"\ncommand = [\"own\", \"1000\"]\nenv = { PATH = \"%s/bin:/bin\" }\n", fs.Dir),
		"",
	}, "\n")
}

func hungFiles(t *testing.T, fs *hangfs.FS) {
	t.Helper()
	for _, folder := range []string{"folder", "bin"} {
		if err := os.Mkdir(filepath.Join(fs.Behind, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, like := range map[string]string{"check": "/bin/true", "sleep": "/bin/sleep", "bin/own": "/bin/sleep"} {
		testkit.ProgramCopy(t, like, filepath.Join(fs.Behind, file))
	}
}

// What a node does not need from a file system that hangs goes on as ever: the API, the checks
// and starts of others, a reload, its end and its next start. What does need it says so, and
// goes on when the file system answers again.
func TestAFileSystemThatHangsHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	fs := hangfs.Mount(t)
	hungFiles(t, fs)
	n := withDaemons(t, hungDaemons(fs), "[restart]\ninitial = \"20ms\"\n")
	text := strings.Replace(read(t, n.config), "listen = \"\"", fmt.Sprintf("listen = %q", n.listen), 1)
	n.write(text)
	n.start()
	all := func(s *meshosv1.Snapshot) bool {
		for id := range uint64(5) {
			if !runs(s, id+1) {
				return false
			}
		}
		return daemonOf(s, 1).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY && daemonOf(s, 2).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY
	}
	before := n.until("all daemons to run and be healthy", all)

	fs.Hang()
	late := time.AfterFunc(3*patience, fs.LetGo) // a process that hangs can't be waited for
	defer late.Stop()
	defer fs.LetGo()
	n.until("the check that hangs to be told", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 2).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNHEALTHY
	})
	for id := uint64(1); id <= 5; id++ {
		if err := syscall.Kill(int(daemonOf(before, id).GetPid()), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func(s *meshosv1.Snapshot) bool {
		for id := uint64(3); id <= 5; id++ {
			if !strings.Contains(daemonOf(s, id).GetRejected(), "its file system did not answer within") {
				return false
			}
		}
		d := daemonOf(s, 1)
		return d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY && d.GetPid() != 0 && d.GetPid() != daemonOf(before, 1).GetPid() && runs(s, 2)
	}
	n.until("what needs it to wait, and the others to run", waiting)
	if out := n.must("status"); !strings.Contains(strings.Join(strings.Fields(out), " "), "did not answer within") {
		t.Errorf("status does not say it:\n%s", out)
	}
	if answer, err := http.Get("http://" + n.listen + "/healthz"); err != nil {
		t.Error(err)
	} else {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	if out, errs, code := n.meshos("validate"); code != 0 || !strings.Contains(out+errs, "could not be checked") {
		t.Errorf("validate: exit %d\n%s%s", code, out, errs)
	}
	n.write(text + "[[daemon]]\nid = 6\nname = \"late\"\ncommand = [\"/bin/sleep\", \"1000\"]\n")
	n.hangUp()
	n.until("a reload to start another daemon", func(s *meshosv1.Snapshot) bool { return runs(s, 6) })

	n.restart()
	n.until("the same of the next run", func(s *meshosv1.Snapshot) bool { return waiting(s) && runs(s, 6) })

	fs.LetGo()
	n.until("all daemons to run and be healthy again", all)
}
