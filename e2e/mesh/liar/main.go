// Command liar is a mesh plugin for tests that says what is not true.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type config struct {
	Lie string `json:"lie" doc:"gap, order, signature, peers, self, ahead or fork"`
}

type plugin struct {
	cfg config
	env pluginsdk.Env
}

const (
	peers   = 1_000_000
	atOnce  = 50_000
	between = 100 * time.Millisecond
)

func (p *plugin) Follow(ctx context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error {
	height, head := from.GetHeight(), from.GetHead()
	if err := send(&pluginv1.MeshBatch{Link: link(height, head)}); err != nil {
		return err
	}
	batch := &pluginv1.MeshBatch{}
	switch p.cfg.Lie {
	case "gap":
		batch.Ordered = []*meshosv1.LoggedEntry{entry(height+2, head)}
	case "order":
		batch.Ordered = []*meshosv1.LoggedEntry{entry(height, head)}
	case "signature":
		batch.Ordered = []*meshosv1.LoggedEntry{entry(height+1, head)}
	case "self":
		batch.Peers = []*pluginv1.PeerChange{{Id: p.env.Node, Summary: &meshosv1.NodeSummary{
			Phase: meshosv1.MaintenancePhase_MAINTENANCE_PHASE_MAINTENANCE, Cordoned: true,
		}}}
	case "ahead":
		batch.Link = link(math.MaxUint64, make([]byte, 32))
	case "fork":
		batch.Link = link(height, make([]byte, 32))
	case "peers":
		if err := crowd(send); err != nil {
			return err
		}
	}
	for {
		if err := send(batch); err != nil {
			return err
		}
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// crowd names very many peers.
func crowd(send func(*pluginv1.MeshBatch) error) error {
	for first := uint64(1); first < peers; first += atOnce {
		batch := &pluginv1.MeshBatch{}
		for id := first; id < first+atOnce; id++ {
			batch.Peers = append(batch.Peers, &pluginv1.PeerChange{Id: 1000 + id, Summary: &meshosv1.NodeSummary{Name: fmt.Sprint("peer-", id)}})
		}
		if err := send(batch); err != nil {
			return err
		}
	}
	return nil
}

func link(height uint64, head []byte) *meshosv1.MeshLink {
	return &meshosv1.MeshLink{Connected: true, Quorum: true, Seed: "10.0.0.1:7420", Beacon: &meshosv1.MeshLink_Beacon{Height: height, Head: head, Age: durationpb.New(0)}}
}

// entry returns an entry that no member signed.
func entry(height uint64, prev []byte) *meshosv1.LoggedEntry {
	now := timestamppb.Now()
	raw, err := proto.Marshal(&meshosv1.OrderedEntry{
		Height: height, Prev: prev, By: 1, At: now, NodeSignature: make([]byte, 64),
		Order: &meshosv1.OrderedEntry_Event{Event: &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: &meshosv1.AdminEvent{
			Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 1}},
		}}}},
	})
	if err != nil {
		panic(err)
	}
	return &meshosv1.LoggedEntry{Entry: raw, LogTime: now}
}

func (p *plugin) SetMembers(context.Context, *pluginv1.SetMembersRequest) error { return nil }

func (p *plugin) Order(context.Context, *pluginv1.OrderRequest) error {
	return pluginsdk.Unavailable(errors.New("this plugin orders nothing"))
}

func (p *plugin) Tell(context.Context, *pluginv1.TellRequest) error { return nil }

func (p *plugin) Ask(context.Context, *pluginv1.AskRequest, func([]byte) error) error {
	return pluginsdk.Unavailable(errors.New("this plugin reaches nobody"))
}

func (p *plugin) Serve(ctx context.Context, _ func() (*pluginv1.ServedAnswer, error), _ func(*pluginv1.ServedQuestion) error) error {
	<-ctx.Done()
	return ctx.Err()
}

func (p *plugin) Join(context.Context, []byte) error {
	return pluginsdk.Unavailable(errors.New("this plugin reaches nobody"))
}

func main() {
	pluginsdk.Main(pluginsdk.Info{Name: "liar", Version: "1.0.0"}, func(env pluginsdk.Env, cfg config) (*plugin, error) {
		return &plugin{cfg, env}, nil
	})
}
