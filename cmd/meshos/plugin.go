package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newPluginCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Show a node's plugins",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPluginListCommand(a), newPluginDescribeCommand(a))
	return cmd
}

func newPluginListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the plugins with their state and their calls",
		Long: `Lists the configured plugins, and for each that is not ready why. What a terminal has no
room for is left out: the versions, the processes and the kinds; --wide shows them. With
-o json it prints a Snapshot of the contract in which only the plugins are set.`,
		Args: cobra.NoArgs,
	}
	output, wide := addOutput(cmd), addWide(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		if *output == outputJSON {
			return view.JSON(a.out, &meshosv1.Snapshot{Plugins: snapshot.GetPlugins()}, false)
		}
		_, err = io.WriteString(a.out, a.pagePrinter(*wide).Plugins(snapshot.GetPlugins()))
		return err
	}
	return cmd
}

func newPluginDescribeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "describe NAME",
		Short: "Show all about one plugin",
		Long: `Shows all that the node knows about one plugin: its state with the reason, when it
will be started again, what happened to it so far, how its last process ended, and
the last lines that this process wrote to standard error.`,
		Example: `  meshos plugin describe health-tcp
  meshos plugin describe health-tcp -o json | jq -r .config_schema`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completePlugins,
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
		defer cancel()
		detail, err := node.DescribePlugin(ctx, &hostv1.PluginRequest{Name: args[0]})
		if err != nil {
			return node.explain(err)
		}
		if *output == outputJSON {
			return view.JSON(a.out, detail, false)
		}
		_, err = io.WriteString(a.out, a.printer(a.out).Plugin(detail))
		return err
	}
	return cmd
}
