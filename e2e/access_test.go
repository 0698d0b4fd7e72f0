package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// socketGroup is a group of the tests, which need not have a name.
const socketGroup = "54321"

// person is a user of a node without privileges, in a folder of their own.
type person struct {
	n   *node
	as  *syscall.Credential
	dir string
}

// newPerson returns a user nobody who is a member of these groups, with a configuration and
// a key of theirs.
func newPerson(t *testing.T, n *node, groups ...uint32) *person {
	t.Helper()
	as := *nobody(t)
	as.Groups = groups
	dir, err := os.MkdirTemp("", "person")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	key := filepath.Join(dir, "key")
	testkit.SSHKeyFile(t, key, 1, "")
	for _, path := range []string{dir, key} {
		if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(n.config, 0o644); err != nil {
		t.Fatal(err)
	}
	return &person{n: n, as: &as, dir: dir}
}

// meshos runs one command as the person.
func (p *person) meshos(args ...string) (stdout, stderr string, code int) {
	p.n.t.Helper()
	ctx, cancel := context.WithTimeout(p.n.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "meshos"), append([]string{"-c", p.n.config}, args...)...)
	cmd.Dir, cmd.Env = p.dir, []string{"HOME=" + p.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		p.n.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// wants runs a command as the person, and checks its exit code and what it says.
func (p *person) wants(code int, said string, args ...string) {
	p.n.t.Helper()
	out, errs, got := p.meshos(args...)
	if got != code || !strings.Contains(out+errs, said) {
		p.n.t.Errorf("meshos %s: exit %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, said, out, errs)
	}
}

// withGroup sets node.socket_group, and operators of whom key 1 is one.
func withGroup(t *testing.T, group string, operators bool) *node {
	n := prepare(t, func(text string) string {
		text = strings.Replace(text, "[node]", "[node]\nsocket_group = \""+group+"\"", 1)
		if operators {
			text = strings.Replace(text, "[operators]", "[operators]\nsigners = \"allowed_signers\"\nallow_unsigned = true", 1)
		}
		return text
	})
	if operators {
		line := "alice " + string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(t, 1)))
		if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestMembersOfTheSocketsGroupReadAndSendSignedCommands(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "run commands as another user")
	n := withGroup(t, socketGroup, true).start()
	n.until("a complete snapshot", complete)
	member, stranger := newPerson(t, n, 54321), newPerson(t, n)

	member.wants(0, "node ", "status")
	member.wants(0, "", "logs")
	member.wants(0, "", "audit", "tail")
	member.wants(0, "", "plugin", "describe", "health-tcp")
	member.wants(0, "Accepted", "admin", "cordon", "--yes", "--key-file", filepath.Join(member.dir, "key"))

	// allow_unsigned is for root and for the node's own user.
	member.wants(6, "for root and for the user who runs the node (uid 0); uid ", "publish", `{"rtt_sample":{"peer":2,"rtt":"0.3s"}}`)
	member.wants(6, "may read and send signed commands", "admin", "uncordon", "--yes", "--unsigned")
	member.wants(6, "Reload is for root", "reload")
	n.must("publish", `{"rtt_sample":{"peer":2,"rtt":"0.3s"}}`)
	n.must("reload")
	n.until("the refusals are reported", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if f.GetSource() == "api" && strings.Contains(f.GetReason(), "a call of uid ") {
				return true
			}
		}
		return false
	})

	stranger.wants(6, "this user may not enter "+filepath.Join(n.dir, "run"), "status")
	stranger.wants(6, "members of the group "+socketGroup+" have access: add yourself with usermod -aG", "health")
	n.end()
	member.wants(3, "does not exist", "status") // which is not the same
}

// Without operators nobody can tell whose a command is.
func TestMembersOfTheSocketsGroupOnlyReadWhereThereAreNoOperators(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "run commands as another user")
	n := withGroup(t, socketGroup, false).start()
	n.until("a complete snapshot", complete)
	member := newPerson(t, n, 54321)
	member.wants(0, "node ", "status")
	for _, signed := range []string{"--unsigned", "--key-file=" + filepath.Join(member.dir, "key")} {
		member.wants(6, "has no operators", "admin", "cordon", "--yes", signed)
	}
	if out := n.must("audit", "tail"); strings.Contains(out, "cordon") {
		t.Errorf("it came to the audit log:\n%s", out)
	}
	n.must("admin", "cordon", "--yes", "--unsigned")
}

// A folder that others use is not opened to the group, but it is said what keeps them out;
// once that is mended, they are let in without a restart.
func TestAFolderThatKeepsTheGroupOutIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	testneeds.Root(t, "run commands as another user")
	n := withGroup(t, socketGroup, false)
	run := filepath.Join(n.dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, "private"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n.start()
	remedy := "chgrp " + socketGroup + " " + run + " && chmod g+x " + run
	n.until("it is reported", func(s *meshosv1.Snapshot) bool {
		for _, f := range s.GetRecentFailures() {
			if strings.Contains(f.GetReason(), remedy) {
				return true
			}
		}
		return false
	})
	member := newPerson(t, n, 54321)
	member.wants(6, "this user may not enter "+run, "status")
	if info, err := os.Stat(run); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder was changed: %v, %v", info.Mode(), err)
	}
	if out, err := exec.Command("/bin/sh", "-c", remedy).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	testkit.Until(t, "the members are let in", func() bool { _, _, code := member.meshos("status"); return code == 0 })
}

// A group that is missing closes the socket to it, and keeps nothing from running.
func TestAGroupThatIsMissingIsAFaultOfOneKey(t *testing.T) {
	t.Parallel()
	n := withGroup(t, "no-such-group-here", false)
	if _, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs, "node.socket_group: there is no group") || !strings.Contains(errs, "groupadd") {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	n.start()
	n.until("a complete snapshot", complete)
	info, err := os.Stat(filepath.Join(n.dir, "run", "meshos.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	n.until("the report", func(*meshosv1.Snapshot) bool {
		return strings.Contains(n.must("failures"), "node.socket_group: there is no group")
	})
}
