package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/internal/meshlab"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/internal/testneeds"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// patience is how long a test waits for anything: the machine may be slow, or busy with others.
const patience = testkit.Patience

// world is a mesh.
type world struct {
	t     *testing.T // the row that runs
	lab   *meshlab.Lab
	drawn *rand.Rand
	// How many nodes came and went, how often the binaries were replaced, and by what.
	guests, upgrades int
	next             string
	host             []hostv1.HostClient // of each node; [0] is not used
}

// newWorld prepares nodes that belong to no mesh yet, and run not.
func newWorld(t *testing.T, nodes int, more ...string) *world {
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
	lab, err := meshlab.New(bin, dir, nodes, true, more...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, lab: lab, host: make([]hostv1.HostClient, nodes+1)}
	t.Cleanup(func() {
		if t.Failed() { // the test itself, or a row of it
			for _, n := range lab.Nodes() {
				t.Logf("%s said:\n%s", n.Name, tail(n.Said()))
			}
		}
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(w.next)
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

// found makes a mesh of some nodes, of which the first ones are seeds, and waits until all of
// them have heard of all.
func (w *world) found(seeds int, ids ...int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	if err := w.lab.Found(ctx, seeds, ids...); err != nil {
		w.t.Fatal(err)
	}
	w.allHear(ids...)
}

// five are the nodes of a mesh.
var five = []int{1, 2, 3, 4, 5}

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

// losses returns how often nodes said, since they started, that they filled up a log of the seeds
// that had lost its end.
func (w *world) losses() (n int) {
	for _, node := range w.lab.Nodes() {
		n += strings.Count(node.Said(), "had lost the end of the log")
	}
	return n
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
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	s, err := w.host[id].GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	if err != nil {
		return nil
	}
	return s
}

// wait polls a condition until ok, and fails the test after patience. what says how far it came.
func (w *world) wait(what func() string, ok func() bool) {
	w.t.Helper()
	testkit.UntilWithin(w.t, patience, what, ok)
}

// until asks a node for its snapshot until ok, and fails the test after patience.
func (w *world) until(id int, what string, ok func(*meshosv1.Snapshot) bool) *meshosv1.Snapshot {
	w.t.Helper()
	var last *meshosv1.Snapshot
	w.wait(func() string {
		return fmt.Sprintf("node %d %s\nits mesh: %v\nits peers: %v", id, what, last.GetMesh(), last.GetPeers())
	}, func() bool {
		s := w.snapshot(id)
		if s != nil {
			last = s
		}
		return s != nil && ok(s)
	})
	return last
}

// must runs a command on a node that has to succeed, however long the node takes for its answer.
func (w *world) must(id int, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	out, err := w.lab.Node(id).Run(ctx, append([]string{"--timeout", (patience / 2).String()}, args...)...)
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
	var last error
	w.wait(func() string { return fmt.Sprintf("a command succeeds: %v", last) }, func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), patience)
		defer cancel()
		_, last = w.lab.Node(id).Run(ctx, args...)
		if code := (&exec.ExitError{}); errors.As(last, &code) && code.ExitCode() == 2 {
			w.t.Fatal(last)
		}
		return last == nil
	})
}

// equal waits until some nodes have the same log, of a height at least, and returns its height.
func (w *world) equal(least uint64, ids ...int) uint64 {
	w.t.Helper()
	var logs []*meshosv1.MeshView
	w.wait(func() string {
		return fmt.Sprintf("nodes %v have the same log of %d entries at least: %v", ids, least, logs)
	}, func() bool {
		logs = nil
		for _, id := range ids {
			logs = append(logs, w.snapshot(id).GetMesh())
		}
		for _, l := range logs {
			if l.GetHeight() < least || l.GetHeight() != logs[0].GetHeight() {
				return false
			}
		}
		return true
	})
	for i, l := range logs[1:] {
		if first := logs[0]; !bytes.Equal(l.GetHead(), first.GetHead()) || !bytes.Equal(l.GetAdminState(), first.GetAdminState()) {
			w.t.Fatalf("at height %d nodes %d and %d differ: %v and %v", first.GetHeight(), ids[0], ids[i+1], first, l)
		}
	}
	return logs[0].GetHeight()
}
