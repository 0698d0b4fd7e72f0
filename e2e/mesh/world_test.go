package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/internal/meshlab"
	"github.com/meshos/meshos/internal/testneeds"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// patience is how long a test waits for anything: the machine may be slow, or busy with others.
const patience = 60 * time.Second

// world is a mesh.
type world struct {
	t    *testing.T
	lab  *meshlab.Lab
	host []hostv1.HostClient // of each node; [0] is not used
}

// newWorld prepares nodes that belong to no mesh yet, and run not.
func newWorld(t *testing.T, nodes int) *world {
	t.Helper()
	t.Parallel()
	testneeds.Root(t, "make network namespaces")
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		testneeds.Missing(t, "needs /dev/net/tun for links between network namespaces: modprobe tun")
	}
	dir, err := os.MkdirTemp("", "mesh") // a short path, since that of a socket has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	lab, err := meshlab.New(bin, dir, nodes, true)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, lab: lab, host: make([]hostv1.HostClient, nodes+1)}
	t.Cleanup(func() {
		if t.Failed() {
			for _, n := range lab.Nodes() {
				t.Logf("%s said:\n%s", n.Name, tail(n.Said()))
			}
		}
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, n := range lab.Nodes() {
		conn, err := grpc.NewClient("unix:"+n.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1, MaxDelay: 20 * time.Millisecond},
				MinConnectTimeout: patience,
			}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		w.host[n.ID] = hostv1.NewHostClient(conn)
	}
	return w
}

// newMesh returns a mesh of running nodes; the first ones of them are seeds.
func newMesh(t *testing.T, nodes, seeds int) *world {
	t.Helper()
	w := newWorld(t, nodes)
	w.found(seeds)
	return w
}

// found makes a mesh of the nodes, and waits until all of them have heard of all.
func (w *world) found(seeds int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	if err := w.lab.Found(ctx, seeds); err != nil {
		w.t.Fatal(err)
	}
	w.allHear(w.all()...)
}

// all returns the ids of all nodes.
func (w *world) all() (ids []int) {
	for _, n := range w.lab.Nodes() {
		ids = append(ids, n.ID)
	}
	return ids
}

// allHear waits until some nodes have sessions of each other and of nobody else.
func (w *world) allHear(ids ...int) {
	w.t.Helper()
	for _, id := range ids {
		w.until(id, "hears exactly all others", func(s *meshosv1.Snapshot) bool {
			heard := 0
			for _, p := range s.GetPeers() {
				if m := p.GetMember(); m != nil && !m.GetGone() && m.GetSummary() != nil {
					heard++
				}
			}
			return heard == len(ids)-1
		})
	}
}

// lostNothing fails the test if a node filled the log of the seeds up, but for once when they
// became several.
func (w *world) lostNothing() {
	w.t.Helper()
	said := ""
	for _, n := range w.lab.Nodes() {
		said += n.Said()
	}
	if strings.Contains(said, "had lost the end of the log") || strings.Count(said, "began with an empty log") > 1 {
		w.t.Error("the log of the seeds went back, as its nodes say")
	}
}

func tail(text string) string {
	const most = 6000
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

// snapshot returns a node's snapshot; nil if it does not answer.
func (w *world) snapshot(id int) *meshosv1.Snapshot {
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	s, err := w.host[id].GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	if err != nil {
		return nil
	}
	return s
}

// until asks a node for its snapshot until ok, and fails the test after patience.
func (w *world) until(id int, what string, ok func(*meshosv1.Snapshot) bool) *meshosv1.Snapshot {
	w.t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	var last *meshosv1.Snapshot
	for {
		if s := w.snapshot(id); s != nil {
			if last = s; ok(s) {
				return s
			}
		}
		select {
		case <-deadline:
			w.t.Fatalf("not within %s: node %d: %s\nits mesh: %v\nits peers: %v", patience, id, what, last.GetMesh(), last.GetPeers())
		case <-poll.C:
		}
	}
}

// must runs a command on a node that has to succeed.
func (w *world) must(id int, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	out, err := w.lab.Node(id).Run(ctx, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// breakGlass returns the arguments of a break-glass command that is not asked for, after a look
// at what it would do.
func (w *world) breakGlass(id int, args ...string) []string {
	w.t.Helper()
	var dry struct {
		Hash string `json:"blast_hash"`
	}
	out := w.must(id, append(args, "--dry-run", "-o", "json")...)
	if err := json.Unmarshal([]byte(out), &dry); err != nil || dry.Hash == "" {
		w.t.Fatalf("meshos %v --dry-run -o json has no hash (%v): %s", args, err, out)
	}
	return append(args, "--yes", "--expect-hash", dry.Hash)
}

// eventually runs a command on a node until it succeeds, which it may not do while the log has
// no quorum.
func (w *world) eventually(id int, args ...string) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		_, err := w.lab.Node(id).Run(ctx, args...)
		cancel()
		if err == nil {
			return
		}
		if code := (&exec.ExitError{}); errors.As(err, &code) && code.ExitCode() == 2 || time.Now().After(deadline) {
			w.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// refused runs a command that the mesh must not take, and returns what it printed.
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

// equal waits until some nodes have the same log, of a height at least, and returns its height.
func (w *world) equal(least uint64, ids ...int) uint64 {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		var logs []*meshosv1.MeshView
		for _, id := range ids {
			logs = append(logs, w.snapshot(id).GetMesh())
		}
		first := logs[0]
		same := first.GetHeight() >= least
		for _, l := range logs[1:] {
			same = same && l.GetHeight() == first.GetHeight()
		}
		if same {
			for i, l := range logs[1:] {
				if !bytes.Equal(l.GetHead(), first.GetHead()) || !bytes.Equal(l.GetAdminState(), first.GetAdminState()) {
					w.t.Fatalf("at height %d nodes %d and %d differ: %v and %v", first.GetHeight(), ids[0], ids[i+1], first, l)
				}
			}
			return first.GetHeight()
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %s: nodes %v have the same log of %d entries at least: %v", patience, ids, least, logs)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
