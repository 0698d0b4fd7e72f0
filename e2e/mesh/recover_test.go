package mesh

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// checkpoints has the mesh agree on what its log leads to.
func (w *world) checkpoints() {
	w.t.Helper()
	w.wait(func() string { return "there is a height for a checkpoint" }, func() bool {
		if s := w.snapshot(1); s.GetMesh().GetMark() != nil {
			return true
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		defer cancel()
		for i := range 32 {
			_ = w.publish(ctx, 1+i%5, "one more") // what is refused is not needed
		}
		return false
	})
	w.eventually(2, w.breakGlass(2, "mesh", "checkpoint")...)
	w.equal(1, five...)
	for _, id := range five {
		if shown := w.must(id, "mesh", "status"); !strings.Contains(shown, "checkpoint   height ") {
			w.t.Errorf("meshos mesh status on node %d shows no checkpoint:\n%s", id, shown)
		}
	}
}

// recovers sets operators whose keys nobody has, and has the seeds replace them, from three
// machines.
func (w *world) recovers() {
	w.t.Helper()
	lost, next := w.signers("lost"), w.signers("next")
	w.eventually(1, w.breakGlass(1, "ice", "set-signers", lost, "--break-glass", "1")...)
	w.equal(1, five...)

	begun := strings.TrimSpace(w.must(1, "mesh", "recover", "start", "--signers", next, "--break-glass", "1", "--reason", "all keys burnt", "--yes"))
	if said := w.refused(1, "mesh", "recover", "finish", begun); !strings.Contains(said, "1 of 5 seeds signed it") {
		w.t.Errorf("a recovery that one seed signed: %s", said)
	}
	signed := strings.TrimSpace(w.must(2, "mesh", "recover", "sign", begun, "--yes"))
	signed = strings.TrimSpace(w.must(4, "mesh", "recover", "sign", signed, "--yes"))
	w.eventually(3, "mesh", "recover", "finish", signed)
	w.equal(1, five...)
	for _, id := range five {
		w.until(id, "raises an alarm", func(s *meshosv1.Snapshot) bool {
			return slices.ContainsFunc(s.GetMesh().GetAlarms(), func(a string) bool { return strings.Contains(a, "replaced all who may command the mesh") })
		})
		for _, command := range [][]string{{"mesh", "status"}, {"nodes"}} {
			if shown := w.must(id, command...); !strings.Contains(shown, "replaced all who may") {
				w.t.Errorf("meshos %v on node %d shows no alarm:\n%s", command, id, shown)
			}
		}
		if audit := w.must(id, "audit", "tail"); !strings.Contains(audit, "all keys burnt") {
			w.t.Errorf("the audit of node %d does not say why:\n%s", id, audit)
		}
	}
}

// refused runs a command that the mesh must not take, and returns why it did not.
func (w *world) refused(id int, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	out, err := w.lab.Node(id).Run(ctx, args...)
	if err == nil {
		w.t.Fatalf("node %d: meshos %s: was taken, and must not have been:\n%s", id, strings.Join(args, " "), out)
	}
	return err.Error()
}

// signers makes a file of signers with the key of one operator, and returns its path.
func (w *world) signers(name string) string {
	w.t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		w.t.Fatal(err)
	}
	path := filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(name+` namespaces="meshos-admin" `+string(ssh.MarshalAuthorizedKey(key))), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}
