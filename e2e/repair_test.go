package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func loops(s *meshosv1.Snapshot, id uint64) bool {
	return daemonOf(s, id).GetRestart() == meshosv1.DaemonView_RESTART_CRASH_LOOPING
}

// A daemon that ends at once with status 0, such as one that goes into the background, is not
// started again and again at one pace.
func TestAnEarlyEndWithStatus0IsACrash(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"once\"\ncommand = [\"/bin/sh\", \"-c\", \"exit 0\"]\n",
		"[restart]\ninitial = \"20ms\"\ncrash_loop_threshold = 3\n").start()
	snap := n.until("a crash loop", func(s *meshosv1.Snapshot) bool { return loops(s, 3) })
	if d := daemonOf(snap, 3); d.GetCrashes() != 3 || d.GetLastExit().Early == nil {
		t.Errorf("got %v", d)
	}
	const says = "crashed 3 times (exited 0 after 0."
	for _, command := range []string{"status", "daemon list", "failures"} {
		if out := n.must(strings.Fields(command)...); !strings.Contains(out, says) {
			t.Errorf("%s does not say %q:\n%s", command, says, out)
		}
	}
}

// Once what made a daemon crash is repaired, it is started without waiting for its gate.
func TestARepairedDaemonDoesNotWaitForItsGate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("exit 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	daemons := "[[daemon]]\nid = 3\nname = \"args\"\ncommand = [\"/bin/sh\", \"-c\", \"exit 3\"]\n" +
		"[[daemon]]\nid = 4\nname = \"env\"\ncommand = [\"/bin/sh\", \"-c\", \"exec sleep $TIME\"]\nenv = { TIME = \"x\" }\n" +
		fmt.Sprintf("[[daemon]]\nid = 5\nname = \"file\"\ncommand = [\"/bin/sh\", %q]\n", script)
	n := withDaemons(t, daemons, "[restart]\ninitial = \"20ms\"\ncrash_loop_threshold = 3\ncrash_loop_cooldown = \"1h\"\n").start()
	n.until("three crash loops", func(s *meshosv1.Snapshot) bool { return loops(s, 3) && loops(s, 4) && loops(s, 5) })

	text := strings.Replace(read(t, n.config), `"exit 3"`, `"exec sleep 1000"`, 1)
	n.write(strings.Replace(text, `TIME = "x"`, `TIME = "1000"`, 1))
	n.hangUp()
	n.until("those with another entry to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && runs(s, 4) && loops(s, 5) })

	if err := os.WriteFile(script+".new", []byte("exec sleep 1000\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(script+".new", script); err != nil {
		t.Fatal(err)
	}
	n.until("the one with another file to run", func(s *meshosv1.Snapshot) bool { return runs(s, 5) })
}

// A program is searched for in the PATH of its entry, which the node itself does not have.
func TestAProgramIsFoundInThePathOfItsEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, like := range map[string]string{"only-here": "/bin/sleep", "check-here": "/bin/true"} {
		if err := os.Symlink(like, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "searched"
command = ["only-here", "1000"]
env = { PATH = %q }
[daemon.health]
type = "exec"
command = ["check-here"]
interval = "100ms"
`, dir))
	if out, errs, code := n.meshos("validate"); code != 0 || errs != "" {
		t.Errorf("validate: exit %d\n%s%s", code, out, errs)
	}
	n.start()
	n.until("it to run and be healthy", func(s *meshosv1.Snapshot) bool {
		return runs(s, 3) && daemonOf(s, 3).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY
	})
}
