package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

const (
	// probingTakes is how long a round of probes may take beside the time for the answer.
	probingTakes = 15 * time.Second
	// mtuTakes is how long the search for the MTU of a path may take beside that.
	mtuTakes = time.Minute
)

func newProbeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe PEER",
		Short: "Have the probes of the node measure a peer now, and show what they find",
		Long: `Has every probe of the running node make one round of measurements of a peer now, beside
those that it makes anyway, and shows what each of them found: echoes, round-trip time,
health and why. PEER is an id or a name. What is found is shown and goes nowhere else: the
node decides by what its probes measure by themselves (meshos status, meshos explain peer).

The node sends packets for it, so it is for root and for the user who runs the node. Of a
probe that can't measure on demand the last sample is shown, with its age. With --mtu
the largest packet that the path to the peer and back carries is searched for, which takes
up to a minute where routers do not say it.

The exit code is 1 if no probe got an answer. With -o json the output is a ProbeResponse.`,
		Example: `  meshos probe 2
  meshos probe db-1 --mtu
  meshos probe db-1 -o json | jq '.findings[].result.rtt.rtt'`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.completeSubjects(cmd, []string{"peer"}, "")
		},
	}
	output := addOutput(cmd)
	mtu := cmd.Flags().Bool("mtu", false, "search for the MTU of the path, too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in := &hostv1.ProbeRequest{Subject: &hostv1.ProbeRequest_PeerName{PeerName: args[0]}, PathMtu: *mtu}
		if id, err := strconv.ParseUint(args[0], 10, 64); err == nil {
			in.Subject = &hostv1.ProbeRequest_Peer{Peer: id}
		}
		answer, err := a.probe(cmd.Context(), in)
		if err != nil {
			return err
		}
		if *output == outputJSON {
			err = view.JSON(a.out, answer, false)
		} else {
			_, err = io.WriteString(a.out, a.pagePrinter(false).Probe(answer))
		}
		if err == nil && !view.Answered(answer) {
			return errNotWell
		}
		return err
	}
	return cmd
}

// probe asks a running node.
func (a *app) probe(ctx context.Context, in *hostv1.ProbeRequest) (*hostv1.ProbeResponse, error) {
	node, err := a.connect()
	if err != nil {
		return nil, err
	}
	defer node.close()
	within := a.timeout + probingTakes
	if in.GetPathMtu() {
		within += mtuTakes
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	answer, err := node.Probe(ctx, in)
	if err != nil {
		return nil, node.explain(err)
	}
	return answer, nil
}
