package meshlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/cluster/clustertest"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/wire"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/meshtest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// until waits for a condition, with a generous deadline.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testkit.Patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// key is the key of a node in tests.
type key struct {
	clustertest.Key
	id mesh.NodeID
}

func keyOf(id mesh.NodeID) key { return key{clustertest.NodeKey(id), id} }

func (k key) Keys() (own, link mesh.PublicKey, err error) {
	return k.Public(), clustertest.LinkKey(k.id).Public(), nil
}

// host is a node with a log, a plugin of a network in memory, and a loop that notes verdicts.
type host struct {
	*Log
	t       *testing.T
	id      mesh.NodeID
	dir     string
	plugin  *meshtest.Node
	now     func() time.Time
	stop    func()
	atOrder func()                         // called before each Order
	change  func(in *meshosv1.StoredState) // changes what others say the log goes on from
	kept    func() uint64                  // nil: all that was folded
	age     time.Duration                  // how much is kept
	logs    text                           // from INFO on

	mu       sync.Mutex
	verdicts []mesh.JudgedCommit
	failures []string
}

// start opens the log of a node and talks with its plugin.
func start(t *testing.T, n *meshtest.Network, id mesh.NodeID, dir string, now func() time.Time) *host {
	t.Helper()
	if now == nil {
		now = time.Now
	}
	h := &host{t: t, id: id, dir: dir, plugin: n.Node(uint64(id)), now: now}
	h.open(0)
	t.Cleanup(func() { h.stop() })
	return h
}

// open begins a run of the node, whose state of before has the log up to a height.
func (h *host) open(folded uint64) {
	h.t.Helper()
	l, err := Open(Options{
		DataDir: h.dir, Node: h.id, Name: fmt.Sprintf("node-%d", h.id), Now: h.now, Log: slog.New(slog.NewTextHandler(&h.logs, nil)), Folded: folded, Audited: folded,
		KeepAge: h.age, FileSize: 1 << 12,
		Report: func(source, reason string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.failures = append(h.failures, source+": "+reason)
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Log = l
	ctx, cancel := context.WithCancel(context.Background())
	l.Install(Parts{
		Key: func() (Key, error) { return keyOf(h.id), nil },
		Order: func(ctx context.Context, o *pluginv1.OrderRequest) error {
			if h.atOrder != nil {
				h.atOrder()
			}
			return h.plugin.Order(ctx, o)
		},
		Join:     func(ctx context.Context, raw []byte) error { return h.plugin.Join(ctx, raw) },
		Aborted:  func(err error) bool { return status.Code(err) == codes.Aborted },
		NoQuorum: func(err error) bool { return status.Code(err) == codes.Unavailable },
		Refused:  func(err error) bool { return status.Code(err) == codes.FailedPrecondition },
		Fold: func(ctx context.Context, c mesh.JudgedCommit) (mesh.AuditRecord, error) {
			if ctx.Err() != nil {
				return mesh.AuditRecord{}, ctx.Err()
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.verdicts = append(h.verdicts, c)
			return mesh.AuditRecord{Seq: uint64(len(h.verdicts)), Event: c.Event, Outcome: c.Outcome, CommitID: c.CommitID, Ordered: c.Ordered, Late: c.Late}, nil
		},
		Commanded: func(rules.Policy, *signers.Set) {},
		Ask:       h.askAnybody,
		Kept: func() uint64 {
			if h.kept != nil {
				return h.kept()
			}
			return math.MaxUint64
		},
		Here: func() []string { return nil },
	})
	var all sync.WaitGroup
	all.Go(func() { l.Run(ctx) })
	all.Go(func() { h.talk(ctx) })
	all.Go(func() { h.members(ctx) })
	all.Go(func() { h.serve(ctx) })
	var once sync.Once
	h.stop = func() {
		once.Do(func() {
			cancel()
			all.Wait()
			_ = l.Close()
		})
	}
}

// talk follows the log, as host/meshlink does.
func (h *host) talk(ctx context.Context) {
	for ctx.Err() == nil {
		_ = h.plugin.SetMembers(ctx, h.Members())
		begun := h.Begun()
		height, head := h.End()
		following, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			select {
			case <-begun:
				cancel()
			case <-following.Done():
			}
		}()
		_ = h.plugin.Follow(following, &pluginv1.FollowRequest{Height: height, Head: head, First: h.First()}, func(b *pluginv1.MeshBatch) error {
			var refused error
			if len(b.GetOrdered()) > 0 {
				refused = h.Take(ctx, b.GetOrdered())
			}
			if b.GetLink() != nil {
				h.Linked(b.GetLink())
			}
			if refused != nil {
				return refused
			}
			if len(b.GetJoining()) > 0 {
				h.Joining(b.GetJoining())
			}
			for _, c := range b.GetPeers() {
				if c.GetSummary() != nil {
					h.Heard(mesh.NodeID(c.GetId()), c.GetSummary())
				}
			}
			return nil
		})
		cancel()
		<-ended
		sleep(ctx, time.Millisecond)
	}
}

// serve answers the questions of others, as host/meshlink does.
func (h *host) serve(ctx context.Context) {
	answers := make(chan *pluginv1.ServedAnswer, 64)
	receive := func() (*pluginv1.ServedAnswer, error) {
		select {
		case a := <-answers:
			return a, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	_ = h.plugin.Serve(ctx, receive, func(q *pluginv1.ServedQuestion) error {
		if q.GetMethod() == "" {
			return nil
		}
		end := &pluginv1.ServedAnswer{Id: q.GetId(), End: true}
		if err := h.Stored(func(part []byte) error {
			answers <- &pluginv1.ServedAnswer{Id: q.GetId(), Response: bytes.Clone(part)}
			return nil
		}); err != nil {
			end.Code, end.Message = int32(codes.FailedPrecondition), err.Error()
		}
		answers <- end
		return nil
	})
}

// askAnybody asks any other node.
func (h *host) askAnybody(ctx context.Context, method string, take func([]byte) error) error {
	var raw []byte
	err := h.plugin.Ask(ctx, &pluginv1.AskRequest{Method: method}, func(part []byte) error {
		raw = append(raw, part...)
		return nil
	})
	if err != nil && status.Code(err) != codes.OK {
		return err
	}
	if h.change != nil {
		var in meshosv1.StoredState
		if err := proto.Unmarshal(raw, &in); err != nil {
			return err
		}
		h.change(&in)
		if raw, err = proto.Marshal(&in); err != nil {
			return err
		}
	}
	return take(raw)
}

func (h *host) members(ctx context.Context) {
	for ctx.Err() == nil {
		changed := h.Changed()
		_ = h.plugin.SetMembers(ctx, h.Members())
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// order orders a command without a signature, and returns the verdict: "unverified", the kind
// of a rejection, or "unknown".
func (h *host) order(ev mesh.AdminEvent) string {
	h.t.Helper()
	record, err := h.Unsigned(h.t.Context(), mesh.AdminReceived{Event: ev})
	return verdictOf(h.t, record, err)
}

func verdictOf(t *testing.T, record mesh.AuditRecord, err error) string {
	t.Helper()
	var rejection *rules.Rejection
	var unknown *UnknownError
	switch {
	case errors.As(err, &rejection):
		return rejection.Kind
	case errors.As(err, &unknown):
		return "unknown"
	case err != nil:
		t.Fatal(err)
	case record.Outcome.Verdict == mesh.VerdictRejected:
		return record.Outcome.Kind
	case record.Outcome.Verdict == mesh.VerdictAccepted:
		return "accepted"
	}
	return "unverified"
}

func (h *host) height() uint64 { height, _ := h.End(); return height }

// said returns what was reported.
func (h *host) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.failures, "\n")
}

// folded returns the kinds of the commands that were folded, with their heights.
func (h *host) foldedKinds() (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.verdicts {
		kind := "nothing"
		if c.Event != nil {
			kind = c.Event.Kind()
		}
		late := ""
		if c.Late {
			late = " late"
		}
		out = append(out, fmt.Sprintf("%d %s%s", c.Ordered.Height, kind, late))
	}
	return out
}

// found makes the data directory of the first node of a mesh without operators.
func found(t *testing.T, now time.Time) string {
	t.Helper()
	dir := t.TempDir()
	_, err := Found(dir, Founding{
		Cluster: "c", Node: 1, Name: "node-1", Signers: mesh.SetSigners{},
		Policy: rules.Policy{Freshness: 5 * time.Minute, Cooldown: time.Millisecond},
	}, keyOf(1), now)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// three returns a mesh of three nodes; the first three of them are seeds.
func several(t *testing.T, n *meshtest.Network, count int) (hosts []*host) {
	t.Helper()
	hosts = append(hosts, start(t, n, 1, found(t, time.Now()), nil))
	until(t, "the first node has a link with quorum", func() bool { return reachable(hosts[0].Log) == nil })
	for id := mesh.NodeID(2); int(id) <= count; id++ {
		token := clustertest.TokenKey(uint64(id))
		got := hosts[0].order(mesh.AdmitNode{Node: id, TokenKey: token.Public(), Expires: time.Now().Add(time.Hour), Seed: id <= 3})
		if got != "unverified" {
			t.Fatalf("the token for node %d: %s", id, got)
		}
		dir := t.TempDir()
		if err := StoreJoining(dir, Token{
			Cluster: "c", Node: id, Founding: hosts[0].state.Founding(), Seeds: []string{"x:1"}, Key: token.Seed(), Expires: time.Now().Add(time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, start(t, n, id, dir, nil))
		until(t, fmt.Sprintf("node %d is a member", id), func() bool {
			return reachable(hosts[id-1].Log) == nil
		})
	}
	return hosts
}

func sameState(t *testing.T, hosts ...*host) {
	t.Helper()
	until(t, "all have the same state", func() bool {
		first := hosts[0].View()
		for _, h := range hosts[1:] {
			if v := h.View(); v.GetHeight() != first.GetHeight() || string(v.GetAdminState()) != string(first.GetAdminState()) {
				return false
			}
		}
		return true
	})
}

// height2 is height of a log alone.
func (l *Log) height2() uint64 { height, _ := l.End(); return height }

func signedOf(c *meshosv1.SignedCommit) wire.Signed {
	return wire.Signed{Payload: c.GetPayload(), Signatures: c.GetSignatures()}
}
