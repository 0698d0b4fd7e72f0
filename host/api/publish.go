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

// fullFor is how long a call waits for a full queue before it fails.
const fullFor = 2 * time.Second

// maxEvent bounds an encoded event, in bytes, to what the loop accepts. A log line may be
// longer: the loop cuts it.
const maxEvent = 64 << 10

func cuttable(event mesh.Event) bool {
	_, line := event.(mesh.LogLine)
	return line
}

// kindOf returns the name of the field that is set in an event.
func kindOf(event *meshosv1.Event) string {
	m := event.ProtoReflect()
	return string(m.WhichOneof(m.Descriptor().Oneofs().ByName("kind")).Name())
}

// step is a run of events, or one signed commit.
type step struct {
	first  int // number of its first event in the request
	events []mesh.Event
	signed *wire.Signed
}

// Publish passes events on to the loop in order, or none of them if one is invalid. A
// signed commit is judged when its turn comes. The answer names the events that were
// refused or rejected. If the queue stays full or the loop has ended, the error has a
// PublishResponse in its details that says how many events were accepted.
func (s *Service) Publish(ctx context.Context, in *hostv1.PublishRequest) (*hostv1.PublishResponse, error) {
	steps, err := s.plan(in.GetEvents())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := s.permitSteps(ctx, steps); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, patience(ctx))
	defer cancel()
	answer := &hostv1.PublishResponse{}
	for _, step := range steps {
		published, err := s.publish(waiting, step)
		answer.Accepted += uint32(published.Taken)
		if published.Record != nil && len(in.GetEvents()) == 1 {
			latest := s.opts.Reader.Latest()
			answer.Record = originOf(latest).Audit(*published.Record, published.Record.Seq > latest.Acknowledged.Audit)
		}
		for _, r := range published.Refused {
			answer.Refused = append(answer.Refused, &hostv1.RefusedEvent{
				Index: uint32(step.first + r.Index), Kind: r.Verdict.Kind, Message: r.Verdict.Message,
			})
		}
		if err != nil {
			return nil, publishError(ctx, waiting, answer, len(in.GetEvents()), err)
		}
	}
	return answer, nil
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
			steps = append(steps, step{first: i, signed: signed})
			continue
		}
		if size := proto.Size(message); size > maxEvent && !cuttable(event) {
			return nil, &wire.FieldError{
				Path:    "events[" + strconv.Itoa(i) + "]." + kindOf(message),
				Problem: fmt.Sprintf("has %d bytes, and may have %d; split it into several events", size, maxEvent),
			}
		}
		if len(steps) == 0 || steps[len(steps)-1].signed != nil {
			steps = append(steps, step{first: i})
		}
		last := &steps[len(steps)-1]
		last.events = append(last.events, event)
	}
	return steps, nil
}

// permitSteps refuses a request with an event that its caller may not publish.
func (s *Service) permitSteps(ctx context.Context, steps []step) error {
	for _, step := range steps {
		refuse := func() error { return s.refuseUnverified(ctx) }
		if step.signed == nil {
			refuse = func() error {
				return s.refuseUnsigned(ctx, fmt.Sprintf("events[%d]: an event without a signature", step.first))
			}
		}
		if err := refuse(); err != nil {
			return err
		}
	}
	return nil
}

// publish passes one step on and returns which of its events were accepted.
func (s *Service) publish(ctx context.Context, step step) (mesh.Published, error) {
	if step.signed == nil {
		return s.opts.Intake.PublishBatch(ctx, step.events)
	}
	record, err := s.opts.Intake.Commit(ctx, *step.signed)
	switch {
	case err != nil:
		return mesh.Published{}, err
	case record.Outcome.Verdict == mesh.VerdictRejected:
		return mesh.Published{Refused: []mesh.RefusedEvent{{Verdict: record.Outcome}}, Record: &record}, nil
	}
	return mesh.Published{Taken: 1, Record: &record}, nil
}

// patience returns how long a call may wait for the queue. If the client has a deadline,
// some time is left for the answer to reach it.
func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(fullFor, time.Until(deadline)*3/4)
	}
	return fullFor
}

// publishError returns the error of a call whose events were not all accepted: the client
// went away, it is not known what became of an order, the queue stayed full, or the loop has
// ended.
func publishError(caller, waiting context.Context, part *hostv1.PublishResponse, all int, err error) error {
	accepted := part.GetAccepted()
	if caller.Err() != nil {
		return status.FromContextError(caller.Err()).Err()
	}
	answer := status.Newf(codes.Unavailable, "%d of %d events accepted: %v", accepted, all, err)
	if unknown := orderUnknown(err); unknown != nil {
		answer = unknown
	} else if waiting.Err() != nil {
		answer = status.Newf(codes.ResourceExhausted,
			"%d of %d events accepted: the node's event queue stayed full; send the rest again later", accepted, all)
	}
	if detailed, err := answer.WithDetails(part); err == nil {
		answer = detailed
	}
	return answer.Err()
}
