package catalog_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// buildMeshPlugin builds internal/meshplugin, once.
var buildMeshPlugin = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(testPlugin), "meshplugin")
	out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "./internal/meshplugin").CombinedOutput()
	if err != nil {
		err = errors.New(string(out))
	}
	return path, err
})

var linkKey = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))

// meshRig runs internal/meshplugin until the test ends.
func meshRig(t *testing.T, config map[string]any) *rig {
	t.Helper()
	path, err := buildMeshPlugin()
	if err != nil {
		t.Fatal(err)
	}
	return start(t, []catalog.Entry{{Name: "meshplugin", Path: path, Enabled: true, Config: config}}, func(o *catalog.Options) {
		o.Mesh = func() (*pluginv1.MeshIdentity, error) {
			return &pluginv1.MeshIdentity{LinkSeed: linkKey.Seed(), Incarnation: 77, Name: "alpha"}, nil
		}
	})
}

func readyMesh(t *testing.T, config map[string]any) (*rig, *catalog.Mesh) {
	t.Helper()
	r := meshRig(t, config)
	r.waitFor("meshplugin", snapshot.PluginReady)
	return r, r.Mesh()
}

func TestAMeshPluginGetsTheKeyOfItsLinksAndTheIncarnation(t *testing.T) {
	r, m := readyMesh(t, nil)
	set := func(key []byte) error {
		return m.SetMembers(t.Context(), &pluginv1.SetMembersRequest{Members: []*pluginv1.Member{{Id: 1, LinkKey: key}}})
	}
	if err := set(linkKey.Public().(ed25519.PublicKey)); err != nil {
		t.Error(err)
	}
	if err := set(make([]byte, 32)); !errors.Is(err, catalog.ErrInvalidArgument) || !strings.Contains(err.Error(), "incarnation 77") {
		t.Error(err)
	}
	renewed := m.Renewed()
	if err := r.Reconfigure(t.Context(), "meshplugin", map[string]any{"lie": "gap"}); err != nil {
		t.Fatal(err)
	}
	<-renewed
	if err := set(linkKey.Public().(ed25519.PublicKey)); err != nil {
		t.Errorf("with another configuration: %v", err)
	}
}

func TestWhatBecameOfAnOrderIsNeverGuessed(t *testing.T) {
	r, m := readyMesh(t, nil)
	for height, want := range map[uint64]error{
		1: nil, 2: catalog.ErrAborted, 3: catalog.ErrUnavailable, 5: catalog.ErrOutcomeUnknown, 6: catalog.ErrOutcomeUnknown,
		7: catalog.ErrFailedPrecondition, 8: catalog.ErrInvalidArgument,
	} {
		if err := m.Order(t.Context(), &pluginv1.OrderRequest{Height: height}); !errors.Is(err, want) {
			t.Errorf("height %d: %v, want %v", height, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Order(ctx, &pluginv1.OrderRequest{Height: 5}); !errors.Is(err, catalog.ErrOutcomeUnknown) {
		t.Errorf("its caller left: %v", err)
	}
	r.waitFor("meshplugin", snapshot.PluginReady)
	// gRPC calls it UNAVAILABLE when the plugin ends, as the plugin does when nothing was appended.
	if err := m.Order(t.Context(), &pluginv1.OrderRequest{Height: 4}); !errors.Is(err, catalog.ErrOutcomeUnknown) {
		t.Errorf("the plugin ended: %v", err)
	}
	r.until("it is away", func() bool {
		err := m.Order(t.Context(), &pluginv1.OrderRequest{Height: 1})
		var away *catalog.NotReadyError
		return err == nil || errors.As(err, &away) && errors.Is(err, catalog.ErrUnavailable)
	})
}

// follow reads the first batch of a stream from height 7 on.
func followOnce(t *testing.T, m *catalog.Mesh) (*pluginv1.MeshBatch, error) {
	t.Helper()
	var got *pluginv1.MeshBatch
	err := m.Follow(t.Context(), &pluginv1.FollowRequest{Height: 7}, func(_ context.Context, b *pluginv1.MeshBatch) error {
		got = b
		return io.EOF
	})
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return got, err
}

func TestAMeshThatTellsTheTruthIsBelieved(t *testing.T) {
	r, m := readyMesh(t, nil)
	b, err := followOnce(t, m)
	if err != nil || len(b.GetOrdered()) != 2 || len(b.GetPeers()) != 1 || !b.GetPeersComplete() {
		t.Fatalf("%v, %v", b, err)
	}
	if name := b.GetPeers()[0].GetSummary().GetName(); name != "bravo\uFFFD" {
		t.Errorf("a name for a terminal: %q", name)
	}
	if failures := r.lines(&r.failures); len(failures) > 0 {
		t.Errorf("%q", failures)
	}
}

func TestWhatHasAPlaceInTheLogIsJudgedByTheHost(t *testing.T) {
	_, m := readyMesh(t, map[string]any{"lie": "place"})
	if b, err := followOnce(t, m); err != nil || len(b.GetOrdered()) != 2 {
		t.Errorf("%v, %v", b, err)
	}
}

func TestWhatCantBeTrueOfAMeshIsRefusedAndSaidOnce(t *testing.T) {
	for lie, want := range map[string]string{
		"gap":     "the ordered log has a gap: after height 8 comes 10",
		"order":   "the ordered log is not in order: after height 8 comes 8",
		"garbage": "the entry of the ordered log after height 7 can't be read",
	} {
		t.Run(lie, func(t *testing.T) {
			_, m := readyMesh(t, map[string]any{"lie": lie})
			b, err := followOnce(t, m)
			if b != nil || !errors.Is(err, catalog.ErrBadAnswer) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, %v", b, err)
			}
		})
	}
	t.Run("peers", func(t *testing.T) {
		r, m := readyMesh(t, map[string]any{"lie": "peers"})
		for range 3 {
			b, err := followOnce(t, m)
			if err != nil || len(b.GetPeers()) != 1 || b.GetPeers()[0].GetId() != 2 {
				t.Fatalf("%v, %v", b.GetPeers(), err)
			}
		}
		failures := r.lines(&r.failures)
		if len(failures) != 1 {
			t.Fatalf("%q", failures)
		}
		for _, what := range []string{"this node", "a phase that there is not (node 3)", "more than 1 KiB (node 4)", "neither a host nor an IP (node 5)", "inventory of another node (node 6)"} {
			if !strings.Contains(failures[0], what) {
				t.Errorf("%q is not said in %q", what, failures[0])
			}
		}
	})
}

func TestAQuestionForAnotherNodeKeepsItsStatus(t *testing.T) {
	_, m := readyMesh(t, nil)
	ask := func(ctx context.Context, node uint64) (got []string, err error) {
		err = m.Ask(ctx, &pluginv1.AskRequest{Node: node, Method: "X"}, func(_ context.Context, b []byte) error {
			got = append(got, string(b))
			return nil
		})
		return got, err
	}
	if got, err := ask(t.Context(), 2); err != nil || fmt.Sprint(got) != "[one two]" {
		t.Errorf("%v, %v", got, err)
	}
	var said *catalog.AskError
	if _, err := ask(t.Context(), 3); !errors.As(err, &said) || said.Code != codes.NotFound || said.Detail != "no such daemon" {
		t.Error(err)
	}
	if _, err := ask(t.Context(), 9); !errors.Is(err, catalog.ErrUnavailable) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, 4); !errors.As(err, &said) || said.Code != codes.DeadlineExceeded {
		t.Error(err)
	}
}

func TestQuestionsOfOthersAreServed(t *testing.T) {
	_, m := readyMesh(t, nil)
	var methods []string
	err := m.Serve(t.Context(), func(_ context.Context, receive func() (*pluginv1.ServedQuestion, error), send func(*pluginv1.ServedAnswer) error) error {
		for {
			q, err := receive()
			if err != nil {
				return err
			}
			methods = append(methods, q.GetMethod())
			if len(methods) == 1 {
				if err := send(&pluginv1.ServedAnswer{Id: q.GetId(), Response: []byte("Explain")}); err != nil {
					return err
				}
			}
		}
	})
	if err != nil || fmt.Sprint(methods) != "[GetSnapshot Explain]" {
		t.Errorf("%v, %v", methods, err)
	}
}

func TestAMeshPluginIsNeverLeftAloneForLong(t *testing.T) {
	r := meshRig(t, map[string]any{"crash": true})
	v := r.waitFor("meshplugin", snapshot.PluginQuarantined)
	if v.RestartIn == nil || *v.RestartIn > 30*time.Second {
		t.Errorf("its next try is in %v", v.RestartIn)
	}
}

func TestJoiningFailsWithoutASeed(t *testing.T) {
	_, m := readyMesh(t, nil)
	if err := m.Join(t.Context(), []byte("abc")); !errors.Is(err, catalog.ErrUnavailable) || !strings.Contains(err.Error(), "no seed for 3 bytes") {
		t.Error(err)
	}
	if err := m.Tell(t.Context(), &pluginv1.TellRequest{Tick: 1}); err != nil {
		t.Error(err)
	}
}
