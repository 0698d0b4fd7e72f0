package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// withAccounts has the node see these files of accounts, in a mount namespace of its own.
func (n *node) withAccounts(passwd, group string) *node {
	n.t.Helper()
	testneeds.Root(n.t, "mount files of accounts over /etc")
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		testneeds.Missing(n.t, "needs unshare -m: %v: %s", err, out)
	}
	n.under = []string{"unshare", "-m", "sh", "-c", `mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"`, "sh"}
	for name, text := range map[string]string{"passwd": passwd, "group": group} {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o644); err != nil {
			n.t.Fatal(err)
		}
	}
	n.under = append(n.under, filepath.Join(n.dir, "passwd"), filepath.Join(n.dir, "group"))
	return n
}

// printed returns what a daemon has printed.
func printed(s *meshosv1.Snapshot, id uint64) (out []string) {
	for _, l := range s.GetLogs() {
		if l.GetDaemonId() == id && !strings.HasPrefix(l.GetMessage(), "meshos: ") {
			out = append(out, l.GetMessage())
		}
	}
	return out
}

func TestADaemonAndItsCheckRunAsItsUser(t *testing.T) {
	t.Parallel()
	const whoami = `echo "$(id -u):$(id -g):$(id -G) $(umask) $(nice) $(cat /proc/self/oom_score_adj) $HOME $USER $LOGNAME $PWD"`
	const want = "4711:4712:4712 9 10 0027 3 200 /srv/web web web /"
	n := withDaemons(t, fmt.Sprintf(`
[[daemon]]
id = 3
name = "site"
command = ["/bin/sh", "-c", '''%s; echo opened >/dev/stderr; exec sleep 1000''']
dir = "/"
user = "web"
umask = "0027"
nice = 3
oom_score_adj = 200
[daemon.health]
type = "exec"
command = ["/bin/sh", "-c", '''test "$(%s)" = "%s" || { %[2]s >&2; exit 1; }''']
interval = "100ms"

[[daemon]]
id = 4
command = ["/bin/sh", "-c", '''%[2]s; exec sleep 1000''']
env = { HOME = "/elsewhere" }
dir = "/"
user = 4711
group = "ssl"

[[daemon]]
id = 5
command = ["/bin/sh", "-c", '''echo "$(id -u):$(id -g):$(id -G)"; exec sleep 1000''']
dir = "/"
group = "ssl"
`, whoami, whoami, want)).withAccounts(
		"root:x:0:0:root:/root:/bin/sh\nweb:x:4711:4712:Web:/srv/web:/usr/sbin/nologin\n",
		"root:x:0:\nweb:x:4712:\nssl:x:9:web\nlog:x:10:other,web\nmail:x:11:webber\n").start()
	snap := n.until("it to be healthy, and lines of all", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_HEALTHY &&
			len(printed(s, 3)) == 2 && len(printed(s, 4)) == 1 && len(printed(s, 5)) == 1
	})
	inherited := fmt.Sprintf("%s %d %s", ownUmask(t), ownNice(t), strings.TrimSpace(read(t, "/proc/self/oom_score_adj")))
	for id, want := range map[uint64]string{
		3: want + "\nopened", 4: "4711:9:9 10 " + inherited + " /elsewhere web web /", 5: "0:9:9",
	} {
		lines := printed(snap, id)
		slices.Sort(lines) // what goes to stdout and to stderr may overtake each other
		if got := strings.Join(lines, "\n"); got != want {
			t.Errorf("daemon %d printed\n%s\nwant\n%s", id, got, want)
		}
	}

	// Another user takes a new process.
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(strings.Replace(string(text), `user = "web"`, `user = "root"`, 1))
	n.hangUp()
	n.until("it to be outdated", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetOutdated() && !daemonOf(s, 4).GetOutdated() })
}

// ownUmask and ownNice return what a daemon inherits from the test, by way of its node.
func ownUmask(t *testing.T) string {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, "/proc/self/status"), "\nUmask:")
	return strings.Fields(rest)[0]
}

func ownNice(t *testing.T) int {
	t.Helper()
	priority, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - priority // what the system call returns
}

func TestAFolderThatTheUserMayNotEnterIsSaid(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "start daemons as another user")
	closed, err := os.MkdirTemp("", "closed") // whose parent everybody may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(closed) })
	n := withDaemons(t, fmt.Sprintf(`
[[daemon]]
id = 3
name = "site"
command = ["sleep", "1000"]
dir = %q
user = 4711
group = 4711
`, closed)).start()
	n.until("its failed start", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetStartError() != "" })
	want := closed + ": can't be used as working directory by user 4711: permission denied; let it enter that folder, or set dir to another"
	if out := n.must("status"); !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
		t.Errorf("status does not say %q:\n%s", want, out)
	}
	if err := os.Chmod(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	n.must("daemon", "restart", "site", "--yes")
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
}

// What needs root keeps only the entry that asks for it from working.
func TestWithoutRootADaemonOfAnotherUserIsRejectedAndTheOthersStart(t *testing.T) {
	t.Parallel()
	nicer := min(ownNice(t)+7, 19) // without root a process can't be less nice than it is
	n := withDaemons(t, fmt.Sprintf(`
[[daemon]]
id = 3
name = "site"
command = ["sleep", "1000"]
user = "root"

[[daemon]]
id = 4
name = "urgent"
command = ["sleep", "1000"]
nice = -20

[[daemon]]
id = 5
name = "own"
command = ["/bin/sh", "-c", 'umask; nice; exec sleep 1000']
umask = "0077"
nice = %d
oom_score_adj = 500
`, nicer))
	if os.Geteuid() == 0 {
		n.as = &syscall.Credential{Uid: 4711, Gid: 4711}
		if err := os.Chown(n.config, 4711, 4711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(n.dir, 4711, 4711); err != nil {
			t.Fatal(err)
		}
	}
	n.start()
	snap := n.until("two to be rejected, and one to run", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetRejected() != "" && daemonOf(s, 4).GetRejected() != "" && len(printed(s, 5)) == 2
	})
	if got := strings.Join(printed(snap, 5), " "); got != fmt.Sprintf("0077 %d", nicer) {
		t.Errorf("umask and nice: %s", got)
	}
	if got, want := daemonOf(snap, 3).GetRejected(), "to run as user root needs root (CAP_SETUID and CAP_SETGID), and this is user "; !strings.HasPrefix(got, want) {
		t.Errorf("rejected: %s", got)
	}
	if got, want := daemonOf(snap, 4).GetRejected(), "nice = -20 needs root (CAP_SYS_NICE)"; !strings.HasPrefix(got, want) {
		t.Errorf("rejected: %s", got)
	}
	validate := exec.Command(filepath.Join(bin, "meshos"), "validate", n.config)
	validate.SysProcAttr = &syscall.SysProcAttr{Credential: n.as}
	out, _ := validate.CombinedOutput()
	if code := validate.ProcessState.ExitCode(); code != 1 ||
		!strings.Contains(string(out), "daemon.user: to run as user root needs root") || !strings.Contains(string(out), "daemon.nice: nice = -20 needs root") {
		t.Errorf("validate: exit %d\n%s", code, out)
	}
}

func TestAUserThatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "[[daemon]]\nid = 3\nname = \"site\"\ncommand = [\"sleep\", \"1000\"]\nuser = \"nobody-of-that-name\"\n").start()
	snap := n.until("it to be rejected", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetRejected() != "" })
	const want = `there is no user "nobody-of-that-name" in /etc/passwd`
	if got := daemonOf(snap, 3).GetRejected(); !strings.HasPrefix(got, want) {
		t.Errorf("rejected: %s", got)
	}
	if out, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs+out, want) {
		t.Errorf("validate: exit %d\n%s%s", code, out, errs)
	}
}
