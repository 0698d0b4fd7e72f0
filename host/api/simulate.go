package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

const (
	// simulateAllWithin is how long the other nodes have to answer, all together.
	simulateAllWithin = 3 * time.Second
	// simulateAtOnce is how many of them are asked at the same time. It leaves room for other
	// questions.
	simulateAtOnce = 12
	// simulatedMost bounds how much of what they say is passed on, in bytes.
	simulatedMost = 2 << 20
)

// Simulate implements hostv1.HostServer.
func (s *Service) Simulate(ctx context.Context, in *hostv1.SimulateRequest) (*hostv1.SimulateResponse, error) {
	event, err := wire.AdminFromProto(in.GetEvent())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "event.%v", err)
	}
	s.latest(ctx) // Simulate looks at the newest
	out, err := s.opts.Simulate(event)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	_, forOther := ctx.Value(answering{}).(bool)
	if in.GetAllNodes() && s.opts.Ask != nil && !forOther { // who is asked asks nobody
		out.Nodes = s.simulateElsewhere(ctx, in, out)
	}
	return out, nil
}

// answering marks the context of a call of another node.
type answering struct{}

// simulateElsewhere asks all other members of the mesh what a command would do: those that are
// there in parallel, with one deadline. Of the others it says why they were not asked, unless
// the command affects them: then they are asked all the same.
func (s *Service) simulateElsewhere(ctx context.Context, in *hostv1.SimulateRequest, here *hostv1.SimulateResponse) []*hostv1.NodeSimulation {
	request, err := proto.Marshal(&hostv1.SimulateRequest{Event: in.GetEvent()})
	if err != nil {
		return nil
	}
	within := simulateAllWithin
	if deadline, has := ctx.Deadline(); has {
		within = min(within, time.Until(deadline)*3/4)
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	latest := s.opts.Reader.Latest()
	var out []*hostv1.NodeSimulation
	var all sync.WaitGroup
	slots := make(chan struct{}, simulateAtOnce)
	for p := range latest.Peers.Values() {
		if p.Node == latest.Node || p.Member == nil {
			continue
		}
		said := &hostv1.NodeSimulation{Node: uint64(p.Node), Name: p.Name}
		out = append(out, said)
		affected := slices.Contains(here.GetBlastRadius().GetAffectedNodes(), said.GetNode())
		if p.Member.Gone && (!affected || len(here.GetBlastRadius().GetAffectedNodes()) > 1) {
			said.Unanswered = whyGone(&p, latest.Now)
			continue
		}
		all.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				s.simulateAt(ctx, p.Node, request, here, said)
			case <-ctx.Done():
				said.Unanswered = fmt.Sprintf("it had no turn within %s", within.Round(time.Second))
			}
		})
	}
	all.Wait()
	slices.SortFunc(out, func(a, b *hostv1.NodeSimulation) int { return int(min(1, max(-1, int64(a.GetNode()-b.GetNode())))) })
	room := simulatedMost
	for _, said := range out {
		if room -= proto.Size(said); room < 0 {
			said.BlastRadius = nil
		}
	}
	return out
}

// simulateAt asks one node.
func (s *Service) simulateAt(ctx context.Context, node mesh.NodeID, request []byte, here *hostv1.SimulateResponse, said *hostv1.NodeSimulation) {
	var answer hostv1.SimulateResponse
	err := s.ask(ctx, node, "Simulate", request, func(metadata.MD) error { return nil }, func(message encoded) error {
		return proto.Unmarshal(message, &answer)
	})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		said.Unanswered = "it did not answer in time"
	case err != nil:
		said.Unanswered = status.Convert(err).Message()
	case answer.GetBlastRadius() == nil:
		said.Unanswered = "it answered nothing"
	default:
		said.Same, said.Cooldown = bytes.Equal(answer.GetBlastHash(), here.GetBlastHash()), answer.GetCooldown()
		if !said.GetSame() {
			said.BlastRadius = answer.GetBlastRadius()
		}
	}
}

// whyGone says in words that a member is not there.
func whyGone(p *snapshot.Peer, now mesh.Time) string {
	switch {
	case !p.Member.Heard:
		return "it has no session, and was not heard of since this node began"
	case p.Member.Orderly:
		return fmt.Sprintf("it ended in order %s ago", now.Since(p.Member.HeardAt).Round(time.Second))
	}
	return fmt.Sprintf("it is gone, and was last heard of %s ago", now.Since(p.Member.HeardAt).Round(time.Second))
}
