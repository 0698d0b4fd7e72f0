package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// filesWith returns the files below a folder that contain a text.
func filesWith(t *testing.T, dir, text string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // it ended meanwhile
		}
		if content, err := os.ReadFile(path); err == nil && bytes.Contains(content, []byte(text)) {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSecretsAreInTheEnvironmentAndNowhereElse(t *testing.T) {
	t.Parallel()
	const password, token = "pa55-w0rd-of-nobody", "t0ken-of-nobody"
	secrets := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("password", password+"\n")
	put("env", "# of the application\nexport TOKEN='"+token+"'\nMODE=file\n")
	n := withDaemons(t, fmt.Sprintf(`[[daemon]]
id = 3
name = "worker"
command = ["/bin/sh", "-c", '''echo "${#DB_PASSWORD} ${#TOKEN} $MODE"; echo "${#DB_PASSWORD} ${#TOKEN} $MODE" >&2; exec sleep 1000''']
env_file = [%q, %q]
env = { DB_PASSWORD = { file = %q }, MODE = "own" }
[daemon.health]
type = "exec"
command = ["/bin/sh", "-c", '''echo "checked with ${#DB_PASSWORD} ${#TOKEN}" >&2; exit 1''']
interval = "100ms"
failures = 1
`, secrets+"/env", "-"+secrets+"/gone", secrets+"/password"))
	n.start("--journal", filepath.Join(n.dir, "journal"))
	lengths := fmt.Sprintf("%d %d", len(password), len(token))
	first := n.until("it to run, judged by its check", func(s *meshosv1.Snapshot) bool {
		return len(printed(s, 3)) == 2 && strings.Contains(daemonOf(s, 3).GetHealth().GetReason(), "checked with "+lengths)
	})
	if got := printed(first, 3)[0]; got != lengths+" own" {
		t.Errorf("it printed %q", got)
	}
	pid := daemonOf(first, 3).GetPid()
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || !bytes.Contains(environ, []byte("DB_PASSWORD="+password+"\x00")) || !bytes.Contains(environ, []byte("TOKEN="+token+"\x00")) {
		t.Errorf("its environment: %q, %v", environ, err)
	}

	put("password", "an0ther-one-of-nobody")
	n.until("it to be outdated", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetOutdated() })
	if out := strings.Join(strings.Fields(n.must("status")), " "); !strings.Contains(out, "it runs with an older configuration; a restart takes over the present one") {
		t.Errorf("status does not say so:\n%s", out)
	}

	// The next node knows from the record what the daemon was started with.
	n.kill()
	n.start()
	n.until("it to be outdated still", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetPid() == pid && daemonOf(s, 3).GetOutdated()
	})
	put("password", password)
	n.until("it to be as the files are again", func(s *meshosv1.Snapshot) bool { return runs(s, 3) && !daemonOf(s, 3).GetOutdated() })
	put("password", "the-third-of-nobody")
	n.until("it to be outdated again", func(s *meshosv1.Snapshot) bool { return daemonOf(s, 3).GetOutdated() })
	n.must("daemon", "restart", "worker", "--yes")
	n.until("it to have the new contents", func(s *meshosv1.Snapshot) bool {
		d := daemonOf(s, 3)
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", d.GetPid()))
		return d.GetPid() != pid && !d.GetOutdated() && bytes.Contains(environ, []byte("DB_PASSWORD=the-third-of-nobody\x00"))
	})

	outputs := map[string]string{"the node's own output": n.out.String()}
	for _, command := range []string{
		"status", "status -o json", "daemon list", "daemon list worker", "daemon list -o json", "explain daemon worker", "explain daemon worker -o json",
		"logs", "daemon logs worker", "failures", "failures -o json", "audit", "audit -o json", "validate", "validate --effective", "history",
	} {
		out, errs, _ := n.meshos(strings.Fields(command)...)
		outputs[command] = out + errs
	}
	for _, secret := range []string{password, token, "an0ther-one-of-nobody", "the-third-of-nobody"} {
		for what, text := range outputs {
			if strings.Contains(text, secret) {
				t.Errorf("%s has a secret:\n%s", what, text)
			}
		}
		if got := filesWith(t, n.dir, secret); got != nil {
			t.Errorf("files with a secret: %q", got)
		}
		if got := processesWith(secret); got != nil {
			t.Errorf("processes with a secret in their command line: %v", got)
		}
	}
	shim := n.daemon(3).Shim.PID
	if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", shim)); err != nil || bytes.Contains(environ, []byte("nobody")) {
		t.Errorf("the shim's environment: %q, %v", environ, err)
	}
	key, err := os.Stat(filepath.Join(n.dir, "var", "daemons", "secrets.key"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", key, err)
	}
}

func TestADaemonWithoutItsSecretsIsRejectedUntilTheyAreThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := withDaemons(t, fmt.Sprintf("[[daemon]]\nid = 3\nname = \"worker\"\ncommand = [\"sleep\", \"1000\"]\nenv = { A = { file = %q } }\n"+
		"[[daemon]]\nid = 4\ncommand = [\"sleep\", \"1000\"]\n", dir+"/a")).start()
	want := "env.A: there is no file " + dir + "/a; create it, or correct the path"
	snap := n.until("one to be rejected, and the other to run", func(s *meshosv1.Snapshot) bool {
		return daemonOf(s, 3).GetRejected() != "" && runs(s, 4)
	})
	if got := daemonOf(snap, 3).GetRejected(); got != want {
		t.Errorf("rejected: %s", got)
	}
	if out, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(out+errs, "daemon.env.A: there is no file "+dir+"/a") {
		t.Errorf("validate: exit %d\n%s%s", code, out, errs)
	}
	if err := os.WriteFile(dir+"/a", []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.until("it to run", func(s *meshosv1.Snapshot) bool { return runs(s, 3) })
}
