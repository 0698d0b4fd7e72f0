package mesh

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// checkpoints has the mesh agree on what its log leads to, and drop what is before. A node that was
// away meanwhile, and one that joins, go on from there.
func (w *world) checkpoints() {
	w.t.Helper()
	const away = 5
	there := []int{1, 2, 3, 4}
	for _, id := range five { // else too few seeds are left that have the log
		w.until(id, "sees that all seeds have the log", func(s *meshosv1.Snapshot) bool {
			link := s.GetMesh().GetLink()
			return link.GetQuorum() && link.GetAlarm() == "" && link.GetBeacon().GetHeight() == s.GetMesh().GetHeight()
		})
	}
	missed := w.equal(1, five...)
	w.stop(away)
	ctx, cancel := context.WithTimeout(w.t.Context(), 4*patience)
	defer cancel()
	for _, id := range []int{2, away} {
		cordon := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: uint64(id)}}}
		w.wait(func() string { return fmt.Sprintf("node %d is cordoned", id) }, func() bool { return w.publishEvent(ctx, 1, "dropped later", cordon) == nil })
	}
	w.wait(func() string { return "there is a height for a checkpoint" }, func() bool {
		if w.snapshot(1).GetMesh().GetMark().GetHeight() > missed+2 {
			return true
		}
		for i := range 32 {
			_ = w.publish(ctx, there[i%len(there)], "one more") // what is refused is not needed
		}
		return false
	})
	at := w.until(2, "has a height for a checkpoint", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetMark().GetHeight() > missed+2 }).GetMesh().GetMark().GetHeight()
	w.eventually(2, w.breakGlass(2, "mesh", "checkpoint")...)
	w.equal(1, there...)
	for _, id := range there {
		w.until(id, "knows that the log begins behind the checkpoint", func(s *meshosv1.Snapshot) bool {
			return s.GetMesh().GetCheckpoint().GetHeight() >= at && s.GetMesh().GetLink().GetFirst() > missed+2
		})
		if shown := w.must(id, "mesh", "status"); !strings.Contains(shown, "checkpoint   height ") || !strings.Contains(shown, "the log begins at height ") {
			w.t.Errorf("meshos mesh status on node %d shows no checkpoint, or not where the log begins:\n%s", id, shown)
		}
	}

	const late = 6
	w.guests++
	token, err := w.lab.Node(1).Token(ctx, len(five)+w.guests, false)
	if err != nil {
		w.t.Fatal(err)
	}
	w.reset(late)
	if err := w.lab.Node(late).Use(ctx, token, false); err != nil {
		w.t.Fatal(err)
	}
	w.start(late)
	w.until(late, "is a member", func(s *meshosv1.Snapshot) bool { return s.GetMesh().GetMember() && s.GetMesh().GetLink().GetQuorum() })
	w.start(away)
	all := append(slices.Clone(five), late)
	w.equal(1, all...)
	for _, id := range []int{late, away} {
		s := w.until(id, "does what was ordered before the checkpoint", func(s *meshosv1.Snapshot) bool {
			return slices.ContainsFunc(s.GetPeers(), func(p *meshosv1.PeerView) bool { return p.GetPeer() == 2 && p.GetCordoned() })
		})
		if first := s.GetMesh().GetFirst(); first <= missed+2 {
			w.t.Errorf("the record of node %d begins at height %d", id, first)
		}
		if audit := w.must(id, "audit", "tail"); !strings.Contains(audit, "goes on from the checkpoint") {
			w.t.Errorf("the audit of node %d does not say that it goes on from a checkpoint:\n%s", id, audit)
		}
		w.wait(func() string { return fmt.Sprintf("node %d orders", id) }, func() bool { return w.publish(ctx, id, "behind the checkpoint") == nil })
	}
	w.until(away, "is cordoned, as was ordered while it was away", func(s *meshosv1.Snapshot) bool { return s.GetLocalMaintenance().GetCordoned() })
	// They begin again with what they have.
	w.stop(late, away)
	w.start(late, away)
	w.wait(func() string { return "node 5 orders again" }, func() bool { return w.publish(ctx, away, "after a restart") == nil })
	w.equal(1, all...)
	w.must(late, "audit", "verify")
	w.stop(late)
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
