package pluginsdk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// dropper is an actuator for drop_replica: it removes the folder of the chain.
type dropper struct {
	node   uint64
	chains string
}

func newDropper(env pluginsdk.Env, _ struct{}) (*dropper, error) {
	return &dropper{env.Node, env.DataDir}, nil
}

func (p *dropper) Dispatch(_ context.Context, _ uint64, action *meshosv1.Action) ([]*meshosv1.Event, error) {
	drop := action.GetDropReplica()
	if drop == nil {
		return nil, pluginsdk.Invalid(errors.New("only drop_replica can be carried out"))
	}
	// An action may be begun twice; removing what is gone already is not an error.
	if err := os.RemoveAll(filepath.Join(p.chains, fmt.Sprint(drop.GetChain()))); err != nil {
		return nil, err
	}
	return []*meshosv1.Event{{Kind: &meshosv1.Event_ReplicaUpdate{ReplicaUpdate: &meshosv1.ReplicaUpdate{
		Kind: meshosv1.ReplicaUpdate_KIND_REMOVED, Chain: drop.GetChain(), Holder: p.node,
	}}}}, nil // so the node hears what has changed
}

func ExampleActuator() {
	asTest(func(t testing.TB) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "7"), 0o755); err != nil {
			t.Fatalf("%v", err)
		}
		plugin := plugintest.Start(t, newDropper, struct{}{}, plugintest.WithDataDir(dir), plugintest.WithNode(4))
		events, err := plugin.Dispatch(1, &meshosv1.Action{Kind: &meshosv1.Action_DropReplica{
			DropReplica: &meshosv1.DropReplica{Chain: 7},
		}})
		for _, e := range events {
			u := e.GetReplicaUpdate()
			fmt.Println("chain", u.GetChain(), u.GetKind(), "at node", u.GetHolder())
		}
		left, _ := os.ReadDir(dir)
		fmt.Println(err, left)
	})
	// Output:
	// chain 7 KIND_REMOVED at node 4
	// <nil> []
}
