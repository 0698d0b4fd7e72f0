package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/meshlog"
)

func newMeshAdoptCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Have this node take over the log of the others, after a fork",
		Long: `When the log of the others differs from this node's record, the node keeps its state and folds
nothing more; meshos mesh status says both hashes. If the others are right, stop the node and
run this: the record is moved aside, and when the node runs again it fetches the log of the
others. What only its own record had is not ordered any more then, and what was ordered at
its own door ends. Nothing is deleted.

If this node is right, and the others are not, run it on those.`,
		Example: "  systemctl stop meshos && meshos mesh adopt && systemctl start meshos",
		Args:    cobra.NoArgs,
	}
	yes := cmd.Flags().BoolP("yes", "y", false, "don't ask for confirmation")
	output := addOutput(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		told := a.forPeople(*output)
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		seeds, err := a.configuredSeeds()
		if err != nil {
			return err
		}
		if !*yes {
			_, _ = fmt.Fprint(a.err, "What only this node's record has is not ordered any more.\nType adopt to take over the log of the others: ")
			line, _ := bufio.NewReader(a.in).ReadString('\n')
			if strings.TrimSpace(line) != "adopt" {
				return errors.New("nothing was changed")
			}
		}
		unlock, err := datadir.Lock(cfg.Node.DataDir)
		if err != nil {
			return fmt.Errorf("stop the node first: %w", err)
		}
		defer func() { _ = unlock() }()
		done, err := meshlog.Adopt(cfg.Node.DataDir, cfg.Node.ID, seeds, a.now())
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(told.out, "This node's record went up to height %d, hash %s; it is in %s now.\n", done.Height, done.Head, view.Plain(done.Aside))
		told.next("start the node; `meshos mesh status` shows the log that it has then")
		return a.printDone(*output, meshDone{Cluster: cfg.Node.Cluster, Node: uint64(cfg.Node.ID), Height: done.Height, Head: done.Head.String(), MovedTo: done.Aside})
	}
	return cmd
}
