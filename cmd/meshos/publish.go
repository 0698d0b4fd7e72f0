package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Bounds of one request. The node accepts up to 4 MiB.
const (
	mostEvents = 1000
	mostBytes  = 2 << 20
)

func newPublishCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish [EVENT…]",
		Short: "Publish events to a node",
		Long: `Publishes events, in order. Each argument is one of the contract's Events as JSON. A
file, or - for standard input, has any number of events, one after the other or in a
list. If one of them can't be read, nothing is sent.

Events are sent in requests of up to 1000. If one event of a request is invalid, the
node accepts no event of that request. An event that the node refuses, such as an order
without a signature where there are operators, is named, and the exit code is 4; the
events beside it are accepted.`,
		Example: `  meshos publish '{"rtt_sample":{"peer":2,"rtt":"0.3s"}}'
  meshos publish '{"daemon_intent":{"daemon":{"id":1},"intent":"INTENT_STOP"}}'
  meshos publish '{"admin":{"cordon":{"node":1}}}'
  meshos publish -f events.jsonl
  generate-events | meshos publish -f -`,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	output := addOutput(cmd)
	file := cmd.Flags().StringP("file", "f", "", "read events from this `FILE`, - for standard input")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		events, err := a.readEvents(args, *file)
		if err != nil {
			return &usageError{err: err}
		}
		if len(events) == 0 && *file == "" {
			return &usageError{err: errors.New("there is no event: give events as arguments, or a file with --file"), help: cmd.CommandPath() + " --help"}
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		answer, err := node.publish(cmd.Context(), events)
		if err != nil {
			return err
		}
		if *output == outputJSON {
			err = view.JSON(a.out, answer, true)
		} else {
			_, err = fmt.Fprintf(a.out, "%s accepted\n", view.Counted(int(answer.GetAccepted()), "event"))
		}
		return cmp.Or(err, refusedEvents(answer, events))
	}
	return cmd
}

// refusedEvents returns an error that names the events that the node refused; nil for
// none.
func refusedEvents(answer *hostv1.PublishResponse, events []namedEvent) error {
	var reasons []string
	for _, r := range answer.GetRefused() {
		name := fmt.Sprintf("event %d", r.GetIndex())
		if i := int(r.GetIndex()); i < len(events) {
			name = events[i].name()
		}
		reasons = append(reasons, fmt.Sprintf("%s: %s: %s", name, r.GetKind(), r.GetMessage()))
	}
	if len(reasons) == 0 {
		return nil
	}
	return &rejectedError{reason: strings.Join(reasons, "\n    ")}
}

// publish sends events in as many requests as they need, and returns how many the node
// accepted and which it refused.
func (n *nodeClient) publish(ctx context.Context, events []namedEvent) (*hostv1.PublishResponse, error) {
	return n.publishWithin(ctx, n.timeout, events)
}

func (n *nodeClient) publishWithin(ctx context.Context, within time.Duration, events []namedEvent) (*hostv1.PublishResponse, error) {
	all := &hostv1.PublishResponse{}
	var request encodedMessage // used again for each batch
	for sent := 0; sent < len(events); {
		batch := events[sent:][:batchSize(events[sent:])]
		request = request[:0]
		for i := range batch {
			request = protowire.AppendTag(request, publishEvents, protowire.BytesType)
			request = protowire.AppendBytes(request, batch[i].raw)
		}
		answer, err := n.publishBatch(ctx, within, request)
		if err != nil {
			return nil, n.publishError(err, batch, int(all.GetAccepted()))
		}
		all.Accepted += answer.GetAccepted()
		if len(events) == 1 {
			all.Record = answer.GetRecord()
		}
		for _, r := range answer.GetRefused() {
			r.Index += uint32(sent)
			all.Refused = append(all.Refused, r)
		}
		sent += len(batch)
	}
	return all, nil
}

// publishEvents is the number of the field events of a PublishRequest.
const publishEvents protowire.Number = 1

func (n *nodeClient) publishBatch(ctx context.Context, within time.Duration, request encodedMessage) (*hostv1.PublishResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	answer := &hostv1.PublishResponse{}
	err := n.conn.Invoke(ctx, hostv1.Host_Publish_FullMethodName, request, answer, grpc.ForceCodecV2(newEncodedCodec()))
	return answer, err
}

func batchSize(events []namedEvent) int {
	size := 0
	for i := range events {
		size += len(events[i].raw) + 8
		if i > 0 && (i == mostEvents || size > mostBytes) {
			return i
		}
	}
	return len(events)
}

// publishError names the event that was rejected as the user knows it, and how many events
// were accepted before.
func (n *nodeClient) publishError(err error, batch []namedEvent, before int) error {
	for _, detail := range status.Convert(err).Details() {
		if part, ok := detail.(*hostv1.PublishResponse); ok {
			before += int(part.GetAccepted())
		}
	}
	explained := n.explain(err)
	var rejected *rejectedError
	if errors.As(explained, &rejected) {
		explained = &rejectedError{reason: nameEvent(rejected.reason, batch)}
	}
	if before > 0 {
		return fmt.Errorf("%w\n    accepted in all: %s", explained, view.Counted(before, "event"))
	}
	return explained
}

// nameEvent replaces the number of an event in its request by where it came from.
func nameEvent(message string, batch []namedEvent) string {
	found := regexp.MustCompile(`^events\[(\d+)\]\.`).FindStringSubmatch(message)
	if found == nil {
		return message
	}
	i, err := strconv.Atoi(found[1])
	if err != nil || i >= len(batch) {
		return message
	}
	return batch[i].name() + ": " + message[len(found[0]):]
}
