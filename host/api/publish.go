package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// fullFor is how long a queue may stay full before a client is told.
const fullFor = 2 * time.Second

// maxEvent is the most that one event may have, encoded; it keeps within what the
// loop takes. A line for the log may be longer: it is cut.
const maxEvent = 64 << 10

func cuttable(event mesh.Event) bool {
	_, line := event.(mesh.LogLine)
	return line
}

// kindOf names the field of an event that is set.
func kindOf(event *meshosv1.Event) string {
	m := event.ProtoReflect()
	return string(m.WhichOneof(m.Descriptor().Oneofs().ByName("kind")).Name())
}

// step is a run of events, or one signed commit.
type step struct {
	events []mesh.Event
	signed *wire.Signed
}

// Publish puts events on the node's stream, in order: all of them, or none if one
// of them is invalid. A signed commit is judged when its turn comes; one that is
// rejected counts as accepted here, since the audit log has it. Where the queue stays
// full, or the loop has ended, the error carries a PublishResponse that says how many
// went in.
func (s *Service) Publish(ctx context.Context, in *hostv1.PublishRequest) (*hostv1.PublishResponse, error) {
	steps, err := s.plan(in.GetEvents())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	waiting, cancel := context.WithTimeout(ctx, patience(ctx))
	defer cancel()
	accepted := 0
	for _, step := range steps {
		n, err := s.take(waiting, step)
		accepted += n
		if err != nil {
			return nil, publishError(ctx, waiting, accepted, len(in.GetEvents()), err)
		}
	}
	return &hostv1.PublishResponse{Accepted: uint32(accepted)}, nil
}

// plan checks all events before anything is published.
func (s *Service) plan(in []*meshosv1.Event) ([]step, error) {
	var steps []step
	for i, message := range in {
		event, signed, err := wire.EventFromProto(message)
		if err != nil {
			var field *wire.FieldError
			if errors.As(err, &field) {
				return nil, &wire.FieldError{Path: "events[" + strconv.Itoa(i) + "]." + field.Path, Problem: field.Problem}
			}
			return nil, fmt.Errorf("events[%d]: %w", i, err)
		}
		if signed != nil {
			steps = append(steps, step{signed: signed})
			continue
		}
		if size := proto.Size(message); size > maxEvent && !cuttable(event) {
			return nil, &wire.FieldError{
				Path:    "events[" + strconv.Itoa(i) + "]." + kindOf(message),
				Problem: fmt.Sprintf("has %d bytes, and may have %d; make several of it", size, maxEvent),
			}
		}
		if len(steps) == 0 || steps[len(steps)-1].signed != nil {
			steps = append(steps, step{})
		}
		last := &steps[len(steps)-1]
		last.events = append(last.events, event)
	}
	return steps, nil
}

func (s *Service) take(ctx context.Context, step step) (int, error) {
	if step.signed == nil {
		return s.opts.Intake.PublishBatch(ctx, step.events)
	}
	if _, err := s.opts.Intake.Commit(ctx, *step.signed); err != nil {
		return 0, err
	}
	return 1, nil
}

// patience leaves a client with a deadline time to hear the answer.
func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(fullFor, time.Until(deadline)*3/4)
	}
	return fullFor
}

// publishError says why not all events went in: the client went away, the queue
// stayed full, or there is no loop any more.
func publishError(caller, waiting context.Context, accepted, all int, err error) error {
	if caller.Err() != nil {
		return status.FromContextError(caller.Err()).Err()
	}
	answer := status.Newf(codes.Unavailable, "%d of %d events accepted: %v", accepted, all, err)
	if waiting.Err() != nil {
		answer = status.Newf(codes.ResourceExhausted,
			"%d of %d events accepted: the node's event queue stayed full; send the rest again later", accepted, all)
	}
	if detailed, err := answer.WithDetails(&hostv1.PublishResponse{Accepted: uint32(accepted)}); err == nil {
		answer = detailed
	}
	return answer.Err()
}
