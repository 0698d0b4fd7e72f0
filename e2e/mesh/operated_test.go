package mesh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// operated is a mesh whose orders have to be signed: ordinary ones by one operator, break-glass
// ones by two. It was made by the commands of the operators alone.
type operated struct {
	*world
	dir  string            // of the keys
	keys map[string]string // files with the private keys, by the names of the operators
	slow string            // while this file is missing, the daemon of node 2 does not end
}

// operatorsOf are the numbers of the operators' keys.
var operatorsOf = map[string]byte{"ana": 1, "ben": 2, "cleo": 3, "dan": 4}

func newOperated(t *testing.T) *operated {
	t.Helper()
	w := &operated{world: newWorld(t, 3), dir: t.TempDir(), keys: map[string]string{}}
	for name, n := range operatorsOf {
		w.keys[name] = filepath.Join(w.dir, name)
		testkit.SSHKeyFile(t, w.keys[name], n, "")
	}
	w.slow = filepath.Join(w.dir, "may-end")
	w.configure(1, fmt.Sprintf("\n[operators]\nsigners = %q\ncooldown = \"1ms\"\n", w.signers("ana", "ben")))
	w.configure(2, fmt.Sprintf(`
[[daemon]]
id = 1
name = "slow"
command = ["/bin/sh", "-c", "trap 'while [ ! -e %s ]; do sleep 0.05; done; exit 0' TERM; while :; do sleep 0.05; done"]
stop_grace = "10m"
`, w.slow))
	w.form()
	return w
}

// signers writes a file of signers, and returns its path.
func (w *operated) signers(names ...string) string {
	w.t.Helper()
	var text strings.Builder
	for _, name := range names {
		text.WriteString(name + " " + string(ssh.MarshalAuthorizedKey(testkit.SSHPublicKey(w.t, operatorsOf[name]))))
	}
	path := filepath.Join(w.dir, "signers-"+strings.Join(names, "-"))
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// configure adds to the configuration of a node.
func (w *operated) configure(id int, text string) {
	w.t.Helper()
	f, err := os.OpenFile(w.lab.Node(id).Config(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err = f.WriteString(text); err == nil {
		err = f.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// all returns the ids of the nodes.
func (*operated) all() []int { return []int{1, 2, 3} }

// by returns the arguments of a command that is signed by some operators, and not asked about.
func (w *operated) by(names string, args ...string) []string {
	args = append(args, "--yes")
	for _, name := range strings.Fields(names) {
		args = append(args, "--key-file", w.keys[name])
	}
	return args
}

// ice returns the arguments of a break-glass command that is signed by some operators.
func (w *operated) ice(id int, names string, args ...string) []string {
	w.t.Helper()
	hashed := w.breakGlass(id, args...)
	return w.by(names, slices.DeleteFunc(hashed, func(arg string) bool { return arg == "--yes" })...)
}

// form makes the mesh as its operators do: one command on each machine.
func (w *operated) form() {
	w.t.Helper()
	first := w.lab.Node(1)
	w.must(1, "mesh", "init", "--listen", first.Listen())
	if err := first.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.until(1, "is a member", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetMember() && s.GetMesh().GetLink().GetQuorum() })
	for _, id := range []int{2, 3} {
		w.must(id, "mesh", "join", w.token(1, "ana"))
		if err := w.lab.Node(id).Start(); err != nil {
			w.t.Fatal(err)
		}
		w.until(id, "is a member", func(s *meshosv1.Snapshot) bool {
			return s.GetMesh().GetMember() && s.GetMesh().GetLink().GetConnected()
		})
	}
	w.allHear(1, 2, 3)
}

// token returns a token that operators ordered.
func (w *operated) token(id int, names string, args ...string) string {
	w.t.Helper()
	var said struct{ Token string }
	out := w.must(id, w.by(names, append([]string{"mesh", "token", "-o", "json"}, args...)...)...)
	if err := json.Unmarshal([]byte(out), &said); err != nil || said.Token == "" {
		w.t.Fatalf("%v: %s", err, out)
	}
	return said.Token
}

// fails runs a command that ends with an exit code, and returns what it printed.
func (w *operated) fails(id, code int, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	_, err := w.lab.Node(id).Run(ctx, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		w.t.Fatalf("node %d: meshos %s: want exit code %d: %v", id, strings.Join(args, " "), code, err)
	}
	return err.Error()
}

// going is a command that goes on.
type going struct {
	w    *operated
	cmd  *exec.Cmd
	out  plugintest.Buffer
	done chan error
}

// begin begins a command that goes on. The end of the test ends it.
func (w *operated) begin(id int, args ...string) *going {
	w.t.Helper()
	g := &going{w: w, cmd: w.lab.Node(id).Command(context.Background(), args...), done: make(chan error, 1)}
	g.cmd.Stdout, g.cmd.Stderr = &g.out, &g.out
	if err := g.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.done <- g.cmd.Wait()
	}()
	w.t.Cleanup(func() {
		_ = g.cmd.Process.Kill()
		<-ended
	})
	return g
}

// says waits until the command has printed something.
func (g *going) says(text string) {
	g.w.t.Helper()
	g.w.wait(func() string { return fmt.Sprintf("%v says %q; it says:\n%s", g.cmd.Args[3:], text, g.out.String()) }, func() bool {
		return strings.Contains(g.out.String(), text)
	})
}

// ends waits until the command has ended with an exit code, and returns what it printed.
func (g *going) ends(code int) string {
	g.w.t.Helper()
	select {
	case <-g.done:
		if got := g.cmd.ProcessState.ExitCode(); got != code {
			g.w.t.Fatalf("%v: exit code %d, want %d:\n%s", g.cmd.Args[3:], got, code, g.out.String())
		}
	case <-time.After(patience):
		g.w.t.Fatalf("not within %s: %v ends; it says:\n%s", patience, g.cmd.Args[3:], g.out.String())
	}
	return g.out.String()
}
