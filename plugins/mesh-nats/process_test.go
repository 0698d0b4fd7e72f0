package main

import (
	"context"
	"errors"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// As a node runs it: one process that is a seed by itself, founds a mesh and orders.
func TestProcessFoundsAMesh(t *testing.T) {
	w := newWorld(t, 1)
	one := w.add(1)
	c := catalogtest.Start(t, "mesh-nats", map[string]any{"listen": w.address(1), "seeds": []any{w.address(1)}}, func(o *catalog.Options) {
		o.Mesh = func() (*pluginv1.MeshIdentity, error) {
			return &pluginv1.MeshIdentity{LinkSeed: one.seed, Incarnation: 7, Name: "m1"}, nil
		}
	})
	mesh := c.Mesh()
	if mesh == nil {
		t.Fatal("it serves no mesh")
	}
	if err := mesh.SetMembers(t.Context(), &pluginv1.SetMembersRequest{Found: true, Members: []*pluginv1.Member{
		{Id: 1, Name: "m1", LinkKey: one.key(), Seed: true},
	}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entries := make(chan *meshosv1.LoggedEntry, 1)
	var following sync.WaitGroup
	following.Go(func() {
		_ = mesh.Follow(ctx, &pluginv1.FollowRequest{}, func(_ context.Context, batch *pluginv1.MeshBatch) error {
			for _, e := range batch.GetOrdered() {
				entries <- e
			}
			return nil
		})
	})
	defer following.Wait()
	defer cancel()
	entry, err := proto.Marshal(&meshosv1.OrderedEntry{Height: 1, By: 1, Order: &meshosv1.OrderedEntry_Founding{Founding: &meshosv1.Founding{ClusterId: "test"}}})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "the log takes the first entry", func() bool {
		err := mesh.Order(t.Context(), &pluginv1.OrderRequest{Entry: entry, Height: 1, Id: []byte("first")})
		if call := new(catalog.CallError); err != nil && (!errors.As(err, &call) || !errors.Is(err, catalog.ErrUnavailable)) {
			t.Fatal(err)
		}
		return err == nil
	})
	testkit.Until(t, "the host hears it", func() bool {
		select {
		case got := <-entries:
			return string(got.GetEntry()) == string(entry)
		default:
			return false
		}
	})
	if err := mesh.Tell(t.Context(), &pluginv1.TellRequest{Tick: 1, Self: &meshosv1.NodeSummary{Name: "m1", Height: 1}}); err != nil {
		t.Error(err)
	}
}

// Without the keys of a node, which only a mesh host gives, the process says so.
func TestProcessNeedsTheKeysOfANode(t *testing.T) {
	c := catalogtest.Run(t, "mesh-nats", map[string]any{"seeds": []any{"127.0.0.1:7420"}})
	testkit.Until(t, "it says why it does not start", func() bool { return catalogtest.View(c).Message != "" })
}
