package pluginsdk

import (
	"context"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

// Mesh joins the node to others: it orders what operators command for all nodes, and carries
// what nodes say to each other. The contract (mesh.proto) says what each call means, and with
// which code it fails. A Mesh usually is a HealthProbe too. Env.Mesh has the keys of its links.
//
// Follow and Serve run until their context ends: when the host goes away or begins another
// such stream, when the plugin ends, or when a new configuration replaces the instance; the
// host begins them again. send must be called from the goroutine of the method only. It
// blocks while the host is behind.
type Mesh interface {
	// SetMembers is called before any other method, and whenever the members change, also
	// while other calls run.
	SetMembers(ctx context.Context, members *pluginv1.SetMembersRequest) error
	Follow(ctx context.Context, from *pluginv1.FollowRequest, send func(*pluginv1.MeshBatch) error) error
	// Order returns Aborted, Unavailable or Unknown if the log did not take the entry, or may
	// not have.
	Order(ctx context.Context, order *pluginv1.OrderRequest) error
	Tell(ctx context.Context, said *pluginv1.TellRequest) error
	Ask(ctx context.Context, question *pluginv1.AskRequest, send func(response []byte) error) error
	// Serve brings the questions of other nodes to this one: questions by send, answers by
	// receive, which may be called from another goroutine than send.
	Serve(ctx context.Context, receive func() (*pluginv1.ServedAnswer, error), send func(*pluginv1.ServedQuestion) error) error
	Join(ctx context.Context, joining []byte) error
}
