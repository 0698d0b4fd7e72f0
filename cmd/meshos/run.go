package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host"
)

func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a node until it is told to end",
		Long: `Runs one node in the foreground: its loop, its plugins and its daemons.

SIGTERM and SIGINT end it in order, within 5 s; a second one ends it at once. Its
daemons go on without it, and the next node on the same data directory takes them
over; with --stop-daemons they are stopped in order before it ends.

SIGHUP reads the configuration again. Under systemd it says when it is ready and
keeps a watchdog content. It logs to standard error: lines for people on a terminal,
JSON elsewhere.

A configuration with mistakes starts nothing, and one data directory takes one node.`,
		Example: `  meshos run
  meshos run --config /etc/meshos/meshos.toml --log-level debug
  meshos run --journal var/journal.jsonl`,
		Args: cobra.NoArgs,
	}
	level := cmd.Flags().String("log-level", "info", "the least level that is logged: debug, info, warn or error")
	format := cmd.Flags().String("log-format", "auto", "text, json, or auto: text on a terminal, json elsewhere")
	journal := cmd.Flags().String("journal", "", "record what the node hears in this file, for replay; an earlier one is kept as FILE.old")
	completeFlag(cmd, "log-level", "debug", "info", "warn", "error")
	completeFlag(cmd, "log-format", "auto", "text", "json")
	_ = cmd.MarkFlagFilename("journal")
	stopDaemons := cmd.Flags().Bool("stop-daemons", false, "stop the daemons when the node ends, instead of leaving them to the next one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		log, err := a.logger(*level, *format)
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		reload := make(chan os.Signal, 1)
		signal.Notify(reload, syscall.SIGHUP)
		defer signal.Stop(reload)
		if err := host.Run(cmd.Context(), cfg, host.Options{
			Version: a.version, Log: log, Reload: reload, Journal: *journal, StopDaemons: *stopDaemons,
		}); err != nil {
			return fmt.Errorf("node %d: %w", cfg.Node.ID, err)
		}
		return nil
	}
	return cmd
}
