// Command meshplugin is a mesh plugin for the catalog's tests that does what its configuration
// and the height of an order say.
package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type config struct {
	Lie   string `json:"lie" doc:"what Follow says that can't be true"`
	Crash bool   `json:"crash" doc:"end while being configured"`
}

type plugin struct {
	env pluginsdk.Env
	cfg config
}

func construct(env pluginsdk.Env, cfg config) (*plugin, error) {
	if cfg.Crash {
		os.Exit(3)
	}
	return &plugin{env, cfg}, nil
}

func (p *plugin) SetMembers(_ context.Context, members *pluginv1.SetMembersRequest) error {
	public := ed25519.NewKeyFromSeed(p.env.Mesh.GetLinkSeed()).Public().(ed25519.PublicKey)
	if key := members.GetMembers()[0].GetLinkKey(); !public.Equal(ed25519.PublicKey(key)) {
		return pluginsdk.Invalid(fmt.Errorf("node 1 has another key, and this is incarnation %d", p.env.Mesh.GetIncarnation()))
	}
	return nil
}

func (p *plugin) Order(ctx context.Context, order *pluginv1.OrderRequest) error {
	switch order.GetHeight() {
	case 2:
		return pluginsdk.Aborted(errors.New("another was first"))
	case 3:
		return pluginsdk.Unavailable(errors.New("no quorum"))
	case 4:
		os.Exit(4)
	case 5:
		<-ctx.Done()
		return ctx.Err()
	case 6:
		return errors.New("disk full, or so")
	case 7:
		return pluginsdk.FailedPrecondition(errors.New("the log is full"))
	case 8:
		return pluginsdk.Invalid(errors.New("too large"))
	}
	return nil
}

func logged(height uint64) *meshosv1.LoggedEntry {
	entry, err := proto.Marshal(&meshosv1.OrderedEntry{Height: height, By: 1})
	if err != nil {
		panic(err)
	}
	return &meshosv1.LoggedEntry{Entry: entry, LogTime: timestamppb.Now()}
}

func (p *plugin) Follow(ctx context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error {
	h := from.GetHeight()
	batch := &pluginv1.MeshBatch{
		Ordered:       []*meshosv1.LoggedEntry{logged(h + 1), logged(h + 2)},
		Peers:         []*pluginv1.PeerChange{{Id: 2, Address: "10.0.0.2", Summary: &meshosv1.NodeSummary{Name: "bravo\a"}}},
		PeersComplete: true,
	}
	switch p.cfg.Lie {
	case "gap":
		batch.Ordered[1] = logged(h + 3)
	case "order":
		batch.Ordered[1] = logged(h + 1)
	case "garbage":
		batch.Ordered[0].Entry = []byte{0xff, 0xff}
	case "place": // what no member signed: the host judges it
		batch.Ordered[0].Entry, batch.Ordered[0].Height = []byte{0xff, 0xff}, h+1
	case "peers":
		batch.Peers = append(batch.Peers,
			&pluginv1.PeerChange{Id: 1, Summary: &meshosv1.NodeSummary{Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE}},
			&pluginv1.PeerChange{Id: 3, Summary: &meshosv1.NodeSummary{Phase: 99}},
			&pluginv1.PeerChange{Id: 4, Summary: &meshosv1.NodeSummary{Trouble: string(make([]byte, 2000))}},
			&pluginv1.PeerChange{Id: 5, Address: "http://x"},
			&pluginv1.PeerChange{Id: 6, Summary: &meshosv1.NodeSummary{Inventory: &meshosv1.PeerInventory{Peer: 7}}},
		)
	}
	if err := send(batch); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (p *plugin) Tell(context.Context, *pluginv1.TellRequest) error { return nil }

func (p *plugin) Ask(ctx context.Context, ask *pluginv1.AskRequest, send func([]byte) error) error {
	switch ask.GetNode() {
	case 2:
		return errors.Join(send([]byte("one")), send([]byte("two")))
	case 3:
		return pluginsdk.NotFound(errors.New("no such daemon"))
	case 4:
		<-ctx.Done()
		return ctx.Err()
	}
	return pluginsdk.Unavailable(errors.New("node is not reached"))
}

func (p *plugin) Serve(_ context.Context, receive func() (*pluginv1.ServedAnswer, error), send func(*pluginv1.ServedQuestion) error) error {
	if err := send(&pluginv1.ServedQuestion{Id: 1, From: 2, Method: "GetSnapshot"}); err != nil {
		return err
	}
	answer, err := receive()
	if err != nil {
		return err
	}
	return send(&pluginv1.ServedQuestion{Id: 2, From: 2, Method: string(answer.GetResponse())})
}

func (p *plugin) Join(_ context.Context, joining []byte) error {
	return pluginsdk.Unavailable(fmt.Errorf("no seed for %d bytes", len(joining)))
}

func main() { pluginsdk.Main(pluginsdk.Info{Name: "meshplugin", Version: "1"}, construct) }
