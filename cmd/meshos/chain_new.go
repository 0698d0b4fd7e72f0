package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// storedFlags say what a new chain stores, and how often.
type storedFlags struct {
	subjects  *[]string
	replicas  *uint32
	bytes     *int64
	age       *time.Duration
	retention *string
	spread    *string
}

func addStoredFlags(cmd *cobra.Command) *storedFlags {
	f := &storedFlags{
		subjects:  cmd.Flags().StringSlice("subject", nil, "messages on this `SUBJECT` are stored; * stands for one word, > at the end for one or more"),
		replicas:  cmd.Flags().Uint32("replicas", 3, "how many nodes hold it: 1, 2, 3 or 5"),
		bytes:     cmd.Flags().Int64("max-bytes", 0, "how many `BYTES` it holds at most; the oldest messages go first (default: no limit)"),
		age:       cmd.Flags().Duration("max-age", 0, "how long it holds messages (default: no limit)"),
		retention: cmd.Flags().String("retention", "limits", "when messages go: `limits`, interest or work-queue"),
		spread:    cmd.Flags().String("spread", "", "have its replicas on nodes with different values of this `LABEL`, such as rack, as far as there are such nodes"),
	}
	_ = cmd.MarkFlagRequired("subject")
	return f
}

// order returns the order for a chain of this name; its id is not known yet.
func (f *storedFlags) order(cmd *cobra.Command, name string) (*meshosv1.SetChain, error) {
	kinds := map[string]meshosv1.ChainStream_Retention{
		"limits": meshosv1.ChainStream_RETENTION_LIMITS, "interest": meshosv1.ChainStream_RETENTION_INTEREST, "work-queue": meshosv1.ChainStream_RETENTION_WORK_QUEUE,
	}
	kind, known := kinds[*f.retention]
	if !known {
		return nil, &usageError{err: fmt.Errorf("--retention: must be limits, interest or work-queue, is %q", *f.retention), help: cmd.CommandPath() + " --help"}
	}
	order := &meshosv1.SetChain{Name: name, Replicas: *f.replicas, Spread: *f.spread, Stream: &meshosv1.ChainStream{Subjects: *f.subjects, MaxBytes: *f.bytes, Retention: kind}}
	if *f.age != 0 {
		order.Stream.MaxAge = durationpb.New(*f.age)
	}
	return order, nil
}

// newChain orders a chain, with an id that none had.
func (a *app) newChain(cmd *cobra.Command, f *commandFlags, order *meshosv1.SetChain) error {
	return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
		list, err := a.chains(cmd.Context(), true)
		if err != nil {
			return nil, err
		}
		if s.GetMesh().GetHeight() == 0 {
			return nil, errors.New("this node belongs to no mesh; `meshos mesh init` begins one")
		}
		order.Chain = list.GetNextId()
		for _, r := range s.GetReplicas() { // ids that the configuration uses
			order.Chain = max(order.Chain, r.GetChain()+1)
		}
		return setChain(order), nil
	})
}

func newChainAdoptCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt STREAM --subject SUBJECT",
		Short: "Take a stream that exists already over as a chain",
		Long: `Orders that a stream of the mesh's engine that exists already is a chain from now on. Nothing
is copied and programs notice nothing: the nodes that hold it agree to go on, then its placement asks
for their consent like that of any other chain.

Subjects, replicas, limits and retention have to be those of the stream; ` + "`nats stream info STREAM`" + `
shows them. The node that leads it refuses otherwise, and while a holder is no member of the mesh,
does not answer, or does not have all of it: then the stream is as it was, the reason is among
that node's failures, and it is tried again each minute. ` + "`meshos chain list`" + ` shows who holds it once
it was taken over. ` + "`meshos chain delete`" + ` before that leaves the stream alone.`,
		Example: "  meshos chain adopt ORDERS --subject 'orders.>'\n  meshos chain adopt EVENTS --name events --subject 'events.*' --replicas 5 --max-age 72h",
		Args:    cobra.ExactArgs(1),
	}
	name := cmd.Flags().String("name", "", "`NAME` of the chain (default: that of the stream)")
	stored := addStoredFlags(cmd)
	f := addCommandFlags(cmd, false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		called := args[0]
		if *name != "" {
			called = *name
		}
		order, err := stored.order(cmd, called)
		if err != nil {
			return err
		}
		order.Stream.Name = args[0]
		return a.newChain(cmd, f, order)
	}
	return cmd
}
