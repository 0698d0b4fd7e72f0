package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// nobody returns the credential of a user without privileges.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	testneeds.Root(t, "run a node as another user")
	u, err := user.Lookup("nobody")
	if err != nil {
		testneeds.Missing(t, "no user nobody: %v", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
}

// readable reports whether a process of a user can read the environment of another one.
func readable(t *testing.T, as *syscall.Credential, pid int) bool {
	t.Helper()
	cmd := exec.Command("/bin/cat", fmt.Sprintf("/proc/%d/environ", pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "Permission denied") {
		t.Fatalf("cat: %v: %s", err, out)
	}
	return err == nil
}

// startAs starts the node as a user, with plugins and a daemon that need no privileges.
func startAs(t *testing.T, as *syscall.Credential, flags ...string) *node {
	t.Helper()
	n := prepare(t, func(text string) string {
		return text + "\n[[daemon]]\nid = 77\ncommand = [\"/bin/sleep\", \"600\"]\n"
	})
	for _, path := range []string{n.dir, n.config} {
		if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	n.as = as
	n.start(flags...)
	n.until("plugins are ready and the daemon runs", func(s *meshosv1.Snapshot) bool {
		health := plugin(s, "health-tcp")
		for _, d := range s.GetDaemons() {
			if d.GetDaemon().GetId() == 77 && strings.Contains(d.GetLifecycle().String(), "RUNNING") {
				return health.GetStatus() == meshosv1.PluginView_STATUS_READY
			}
		}
		return false
	})
	return n
}

// Whoever runs as the node's user, as its plugins do, can't read what the node and its
// plugins hold; and a node without privileges works all the same.
func TestProcessesOfTheSameUserCantReadTheNode(t *testing.T) {
	t.Parallel()
	as := nobody(t)
	n := startAs(t, as)
	pid := int(plugin(n.status(), "health-tcp").GetPid())
	if readable(t, as, n.cmd.Process.Pid) || readable(t, as, pid) {
		t.Error("the environment of the node or of a plugin can be read")
	}
}

func TestADebuggableNodeCanBeRead(t *testing.T) {
	t.Parallel()
	as := nobody(t)
	n := startAs(t, as, "--debuggable")
	if !readable(t, as, n.cmd.Process.Pid) {
		t.Error("it can't be debugged")
	}
}
