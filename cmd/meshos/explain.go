package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func newExplainCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain chain ID | daemon ID|NAME | peer ID|NAME",
		Short: "Explain why the node acts on something, or does not",
		Long: `Explains why the node acts on a chain, a daemon or a node of the mesh, or does not.
For each rule of the node's control loop it shows the condition with its values, since
when it holds, and what the node waits for. "chain:7" is the same as "chain 7". Every
node is a peer, including the one that is asked.

With --journal no running node is needed: the recording is replayed up to its end, or
up to --until or --at, and explained as of then.

` + aboutTimes,
		Example: `  meshos explain chain 7
  meshos explain daemon demo
  meshos explain peer:2 -o json
  meshos explain daemon:1 --journal var/journal.jsonl --until 1200`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: a.completeSubjects,
	}
	output := addOutput(cmd)
	journal := cmd.Flags().String("journal", "", "replay this journal `FILE` instead of asking a node")
	until := cmd.Flags().Uint64("until", 0, "with --journal: explain as of this `TICK`; 0 for the end")
	at := cmd.Flags().String("at", "", "with --journal: explain as of this `TIME`")
	cmd.MarkFlagsMutuallyExclusive("until", "at")
	_ = cmd.MarkFlagFilename("journal")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		wrong := func(err error) error { return &usageError{err: err, help: cmd.CommandPath() + " --help"} }
		in, err := explainRequest(args)
		if err != nil {
			return wrong(err)
		}
		var answer *hostv1.ExplainResponse
		switch {
		case *journal != "":
			if *at != "" {
				if *until, err = a.tickAt(*journal, *at); err != nil {
					return err
				}
			}
			answer, err = a.explainJournal(*journal, *until, in)
		case *at != "":
			return wrong(fmt.Errorf("--at: a running node only knows the present; name a recording with --journal"))
		case *until > 0:
			return wrong(fmt.Errorf("--until: a running node only knows the present; name a recording with --journal"))
		default:
			answer, err = a.explainNode(cmd.Context(), in)
		}
		if err != nil {
			return err
		}
		if *output == outputJSON {
			return view.JSON(a.out, answer, false)
		}
		_, err = io.WriteString(a.out, a.pagePrinter(false).Explanation(answer))
		return err
	}
	return cmd
}

// explainRequest reads "chain 7", "chain:7" and the like.
func explainRequest(args []string) (*hostv1.ExplainRequest, error) {
	kind, name := args[0], ""
	if len(args) == 2 {
		name = args[1]
	} else {
		var found bool
		kind, name, found = strings.Cut(kind, ":")
		if !found && !slices.Contains([]string{"chain", "daemon", "peer", "node"}, kind) {
			return nil, fmt.Errorf("%q: want chain:ID, daemon:ID, daemon:NAME, peer:ID or peer:NAME", args[0])
		}
	}
	if name == "" {
		return nil, fmt.Errorf("%s: the id is missing: want %s:ID", kind, kind)
	}
	id, err := strconv.ParseUint(name, 10, 64)
	isID := err == nil
	switch {
	case kind == "chain" && isID:
		return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Chain{Chain: id}}, nil
	case kind == "chain":
		return nil, fmt.Errorf("chain %q: chains have no names, only ids", name)
	case kind == "daemon" && isID:
		return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Daemon{Daemon: id}}, nil
	case kind == "daemon":
		return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_DaemonName{DaemonName: name}}, nil
	case (kind == "peer" || kind == "node") && isID:
		return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_Peer{Peer: id}}, nil
	case kind == "peer" || kind == "node":
		return &hostv1.ExplainRequest{Subject: &hostv1.ExplainRequest_PeerName{PeerName: name}}, nil
	}
	return nil, fmt.Errorf("%q: want chain, daemon or peer", kind)
}

// explainNode asks a running node.
func (a *app) explainNode(ctx context.Context, in *hostv1.ExplainRequest) (*hostv1.ExplainResponse, error) {
	node, err := a.connect()
	if err != nil {
		return nil, err
	}
	defer node.close()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	answer, err := node.Explain(ctx, in)
	if err != nil {
		return nil, node.explain(err)
	}
	return answer, nil
}
