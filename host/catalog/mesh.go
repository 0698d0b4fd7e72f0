package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/plaintext"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	// orderTimeout bounds Order: whoever waits for it is a person.
	orderTimeout = 2 * time.Second
	// tellTimeout bounds Tell, which is called again a second later.
	tellTimeout = time.Second
)

// How many changes of nodes a mesh plugin may bring for long and at once. 5,000 nodes that say
// something new four times a second are as many.
const (
	changesPerSecond = 20_000
	changesAtOnce    = 200_000
)

// Mesh links this node with the others.
type Mesh struct{ adapter }

// Renewed returns a channel that is closed once the plugin is ready with another process
// or another configuration than now: it knows neither members nor this node then, and its
// streams have ended.
func (m *Mesh) Renewed() <-chan struct{} { return m.slot.renewed() }

// SetMembers says who belongs to the mesh. The error is a *NotReadyError or a *CallError.
func (m *Mesh) SetMembers(ctx context.Context, members *pluginv1.SetMembersRequest) error {
	return m.slot.call(ctx, m.slot.entry().Timeout, "Mesh.SetMembers", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewMeshClient(conn).SetMembers(ctx, members)
		return err
	})
}

// Tell says how this node is. The error is a *NotReadyError or a *CallError.
func (m *Mesh) Tell(ctx context.Context, said *pluginv1.TellRequest) error {
	return m.slot.call(ctx, tellTimeout, "Mesh.Tell", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewMeshClient(conn).Tell(ctx, said)
		return err
	})
}

// Join hands in what this node signed to become a member. The error is a *NotReadyError or a
// *CallError.
func (m *Mesh) Join(ctx context.Context, joining []byte) error {
	return m.slot.call(ctx, m.slot.entry().Timeout, "Mesh.Join", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		_, err := pluginv1.NewMeshClient(conn).Join(ctx, &pluginv1.JoinRequest{Joining: joining})
		return err
	})
}

// notAppended reports whether a plugin says with a kind of error that nothing was appended.
func notAppended(kind error) bool {
	return kind == ErrAborted || kind == ErrUnavailable || kind == ErrFailedPrecondition || kind == ErrInvalidArgument
}

// Order appends an entry to the ordered log, within 2 s. The error is a *NotReadyError or a
// *CallError. Of its kinds some say that nothing was appended: ErrAborted, since another entry
// has the height, ErrUnavailable, since there is no quorum or no plugin, and
// ErrFailedPrecondition and ErrInvalidArgument, since the log refuses it. After any other
// the kind is ErrOutcomeUnknown, also if the plugin or its connection ended meanwhile.
func (m *Mesh) Order(ctx context.Context, order *pluginv1.OrderRequest) error {
	const method = "Mesh.Order"
	answered := make(chan struct{}, 1)
	err := m.slot.call(ctx, orderTimeout, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		var header, trailer metadata.MD
		_, err := pluginv1.NewMeshClient(conn).Order(ctx, order, grpc.Header(&header), grpc.Trailer(&trailer))
		if len(header)+len(trailer) > 0 { // gRPC has none of its own where it made the status up
			answered <- struct{}{}
		}
		return err
	})
	var call *CallError
	if err == nil || !errors.As(err, &call) {
		return err // never sent
	}
	said := false
	select {
	case <-answered:
		said = true
	default:
	}
	if said && notAppended(call.Kind) || call.Kind == ErrBusy {
		return err
	}
	unknown := *call
	unknown.Kind, unknown.Detail = ErrOutcomeUnknown, call.Kind.Error()+": "+call.Detail
	return &unknown
}

// Follow passes what is new in the mesh to take, batch by batch and without what can't be
// true, until the stream ends. It reads on when take has returned; take has to return when
// its ctx ends. Entries that do not follow those before end the stream with ErrBadAnswer.
// Follow returns nil when the plugin ended the stream without an error. Otherwise the error
// is the one of take, a *NotReadyError or a *CallError.
func (m *Mesh) Follow(ctx context.Context, from *pluginv1.FollowRequest, take func(context.Context, *pluginv1.MeshBatch) error) error {
	const method = "Mesh.Follow"
	var refused error
	err := m.slot.stream(ctx, method, func(ctx context.Context, conn grpc.ClientConnInterface) error {
		stream, err := pluginv1.NewMeshClient(conn).Follow(ctx, from)
		if err != nil {
			return err
		}
		check := answers.NewMeshStream(mesh.NodeID(m.slot.opts.Node), from.GetHeight())
		pace := newMeshPace()
		for {
			batch, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			peers := len(batch.GetPeers())
			good, bad, err := check.Batch(batch)
			if err != nil {
				return m.bad(method, err)
			}
			m.slot.reportDiscarded(method, bad)
			if err := pace.wait(ctx, good, peers); err != nil {
				return status.FromContextError(context.Cause(ctx)).Err()
			}
			if refused = take(ctx, good); refused != nil {
				return refused
			}
		}
	})
	if refused != nil {
		return refused
	}
	return err
}

// meshPace makes a plugin wait that streams more than makes sense.
type meshPace struct{ nothing, changes *rate.Limiter }

func newMeshPace() meshPace {
	return meshPace{rate.NewLimiter(nothingPerSecond, nothingAtOnce), rate.NewLimiter(changesPerSecond, changesAtOnce)}
}

// wait waits until a batch may count. peers is how many changes it had.
func (p meshPace) wait(ctx context.Context, good *pluginv1.MeshBatch, peers int) error {
	wasted := peers - len(good.GetPeers())
	if wasted > 0 || len(good.GetOrdered()) == 0 && peers == 0 {
		if err := p.nothing.WaitN(ctx, min(1+wasted, nothingAtOnce)); err != nil {
			return err
		}
	}
	return p.changes.WaitN(ctx, min(len(good.GetPeers()), changesAtOnce))
}

// bad returns the error of an answer that makes no sense as a whole.
func (m *Mesh) bad(method string, err error) error {
	return &CallError{Plugin: m.Name(), Method: method, Kind: ErrBadAnswer, Detail: err.Error() + "; its author has to fix that"}
}

// AskError is the status of a call at another node, as that node or the plugin gave it.
type AskError struct {
	Plugin string
	Node   uint64
	Code   codes.Code
	Detail string
}

// Error returns "node N: CODE: DETAIL".
func (e *AskError) Error() string {
	return fmt.Sprintf("plugin %s: node %d: %s: %s", e.Plugin, e.Node, e.Code, e.Detail)
}

// Ask makes a call of the Host service of another node, and passes each message of the answer
// to take, which has to return when its ctx ends. The error is the one of take, a
// *NotReadyError, a *CallError or an *AskError.
func (m *Mesh) Ask(ctx context.Context, question *pluginv1.AskRequest, take func(ctx context.Context, response []byte) error) error {
	var refused, said error
	err := m.slot.stream(ctx, "Mesh.Ask", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		stream, err := pluginv1.NewMeshClient(conn).Ask(ctx, question)
		for err == nil {
			var answer *pluginv1.AskResponse
			if answer, err = stream.Recv(); err == nil {
				if refused = take(ctx, answer.GetResponse()); refused != nil {
					return refused
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		st, _ := status.FromError(err)
		said = &AskError{Plugin: m.Name(), Node: question.GetNode(), Code: st.Code(), Detail: plaintext.Clean(st.Message(), detailLength)}
		return err
	})
	switch {
	case refused != nil:
		return refused
	case err == nil:
		return nil
	case said != nil && !errors.Is(err, ErrUnavailable): // else the plugin itself may have ended
		return said
	}
	return err
}

// Serve opens the stream of questions that other nodes ask this one, and calls run with its
// two directions, which has to return when its ctx ends. The error is the one of run, a
// *NotReadyError or a *CallError. receive may be called from another goroutine than send.
func (m *Mesh) Serve(ctx context.Context, run func(ctx context.Context, receive func() (*pluginv1.ServedQuestion, error), send func(*pluginv1.ServedAnswer) error) error) error {
	return m.slot.stream(ctx, "Mesh.Serve", func(ctx context.Context, conn grpc.ClientConnInterface) error {
		stream, err := pluginv1.NewMeshClient(conn).Serve(ctx)
		if err != nil {
			return err
		}
		err = run(ctx, stream.Recv, stream.Send)
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
}
