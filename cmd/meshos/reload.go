package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func newReloadCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have the node read its configuration again, and show what became of it",
		Long: `Has the node read its configuration file and the file of signers again, as SIGHUP does.

Peers, chains, daemons, the operators' keys, and of plugins path, sha256, env, kinds,
timeout, api and config are taken over while the node runs. A plugin whose process does
not fit its entry any more is started anew. For each other key that changed, the output
says that the node has to be restarted. A file with mistakes changes nothing; the exit
code is 1 then, as it is if a plugin refuses its new configuration.`,
		Example: `  meshos validate && meshos reload
  meshos reload -o json | jq -r '.needs_restart[].key'`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		ctx, cancel := context.WithTimeout(cmd.Context(), max(node.timeout, reloadTimeout))
		defer cancel()
		done, err := node.Reload(ctx, &hostv1.ReloadRequest{})
		if err != nil {
			return node.explain(err)
		}
		if *output == outputJSON {
			err = view.JSON(a.out, done, false)
		} else {
			_, err = io.WriteString(a.out, a.printer(a.out).Reloaded(done))
		}
		if err == nil && (done.GetRejected() != "" || len(done.GetKept()) > 0) {
			err = errNotReloaded
		}
		return err
	}
	return cmd
}

// reloadTimeout is what a node gets at least for a reload: it waits for plugins that hang.
const reloadTimeout = 40 * time.Second

var errNotReloaded = errors.New("not all of the configuration is in force")
