package meshlab

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/operator/rules"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// tokenHolds is how long a token may be used.
const tokenHolds = time.Hour

// cluster is the name of the mesh.
const cluster = "lab"

// ownKey is the key of a node, as its record of the mesh takes it.
type ownKey struct{ *nodekey.Key }

// Keys implements meshlog.Key.
func (k ownKey) Keys() (own, link mesh.PublicKey, err error) {
	copy(own[:], k.Public())
	public, err := k.LinkPublic()
	copy(link[:], public)
	return own, link, err
}

// found begins a mesh on a node that does not run.
func (n *Node) found() error {
	key, err := nodekey.Open(n.Data())
	if err != nil {
		return err
	}
	if _, err := meshlog.Found(n.Data(), meshlog.Founding{
		Cluster: cluster, Node: mesh.NodeID(n.ID), Name: n.Name,
		Policy: rules.Policy{Freshness: 5 * time.Minute, FutureSkew: 30 * time.Second, Cooldown: 5 * time.Minute},
	}, ownKey{key}, time.Now()); err != nil {
		return err
	}
	return n.addPlugin("listen = %q\nseeds = [%q]\n", n.Listen(), n.Listen())
}

// Token orders on a node of the mesh that a token for another one holds, and returns it. It
// tries until the log takes that.
func (n *Node) Token(ctx context.Context, id mesh.NodeID, seed bool) (t meshlog.Token, err error) {
	conn, err := grpc.NewClient("unix:"+n.Socket(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return t, err
	}
	defer func() { _ = conn.Close() }()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return t, err
	}
	t = meshlog.Token{Cluster: cluster, Node: id, Seed: seed, Seeds: []string{n.Listen()}, Key: private.Seed(), Expires: time.Now().Add(tokenHolds)}
	api := hostv1.NewHostClient(conn)
	admit := &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_AdmitNode{AdmitNode: &meshosv1.AdmitNode{
		Node: uint64(id), Seed: seed, TokenKey: public, TokenExpires: timestamppb.New(t.Expires),
	}}}
	if err := Publish(ctx, api, &meshosv1.Event{Kind: &meshosv1.Event_Admin{Admin: admit}}); err != nil {
		return t, fmt.Errorf("%s: order a token for node %d: %w", n.Name, id, err)
	}
	s, err := api.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	if err != nil {
		return t, err
	}
	copy(t.Founding[:], s.GetMesh().GetFounding())
	key, err := nodekey.Read(n.Data())
	if err != nil {
		return t, err
	}
	link, err := key.LinkPublic()
	pin := sha256.Sum256(link)
	t.Pins = [][]byte{pin[:]}
	return t, err
}

// Publish gives a node an order without a signature, until the node takes it or ctx ends.
func Publish(ctx context.Context, api hostv1.HostClient, order *meshosv1.Event) error {
	for {
		got, err := api.Publish(ctx, &hostv1.PublishRequest{Events: []*meshosv1.Event{order}})
		if err == nil && got.GetAccepted() == 1 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%v, refused: %v: %w", err, got.GetRefused(), ctx.Err()) //nolint:errorlint // one cause is enough
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Use has a node that does not run join with a token when it starts.
func (n *Node) Use(t meshlog.Token) error {
	if _, err := nodekey.Open(n.Data()); err != nil {
		return err
	}
	if err := meshlog.StoreJoining(n.Data(), t); err != nil {
		return err
	}
	return n.addPlugin("seeds = [%q]\n", t.Seeds[0])
}

// addPlugin adds the mesh plugin to the configuration of a node.
func (n *Node) addPlugin(config string, args ...any) error {
	f, err := os.OpenFile(n.Config(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\n[[plugin]]\nname = \"mesh-nats\"\n[plugin.config]\n"+config, args...)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
