package pluginsdk_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk/plugintest"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

func TestTheCallsOfAMeshReachItsInstanceAndKeepTheirCodes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mesh := pluginv1.NewMeshClient(plugintest.Start(t, always(everything{}), none{}).Conn())
	if _, err := mesh.SetMembers(ctx, &pluginv1.SetMembersRequest{Members: []*pluginv1.Member{{Id: 1}}}); err != nil {
		t.Error(err)
	}
	for height, want := range []codes.Code{codes.OK, codes.Aborted, codes.DeadlineExceeded} {
		if _, err := mesh.Order(ctx, &pluginv1.OrderRequest{Height: uint64(height)}); status.Code(err) != want {
			t.Errorf("height %d: %v, want %s", height, err, want)
		}
	}
	if _, err := mesh.Join(ctx, &pluginv1.JoinRequest{Joining: []byte("no seed")}); status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "no seed" {
		t.Error(err)
	}
	follow, err := mesh.Follow(ctx, &pluginv1.FollowRequest{Height: 3, Head: []byte("h")})
	if err != nil {
		t.Fatal(err)
	}
	if batch, err := follow.Recv(); err != nil || string(batch.GetOrdered()[0].GetEntry()) != "h" {
		t.Errorf("%v, %v", batch, err)
	}
	answers, err := mesh.Ask(ctx, &pluginv1.AskRequest{Node: 2, Request: []byte("1")})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1", "2"} {
		if got, err := answers.Recv(); err != nil || string(got.GetResponse()) != want {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	if _, err := answers.Recv(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	serve, err := mesh.Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(7); want <= 8; want++ {
		question, err := serve.Recv()
		if err != nil || question.GetId() != want {
			t.Fatalf("%v, %v, want %d", question, err, want)
		}
		if err := serve.Send(&pluginv1.ServedAnswer{Id: question.GetId()}); err != nil && want == 7 {
			t.Fatal(err)
		}
	}
}
