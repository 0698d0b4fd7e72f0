package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/internal/dumpable"
	"github.com/meshos/meshos/internal/readfile"
)

func newRunCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a node",
		Long: `Runs one node in the foreground: its loop, its plugins and its daemons.

SIGTERM or SIGINT (Ctrl-C) ends the node in an orderly way within 5 s. Its daemons keep
running, and the next node on the same data directory takes them over. With --stop-daemons
the node stops them before it ends; all of them together have about 3 s, whatever their
stop_grace, and the log names those that were killed. A third SIGTERM, or Ctrl-C twice
within 2 s, ends the node at once, and the log names what is left behind.

SIGHUP makes the node read its configuration again. Under systemd the node reports
when it is ready, in STATUS the sentence with which status begins, and reloads
(Type=notify-reload), and supports the watchdog. It logs to standard error, as text on a
terminal and as JSON elsewhere; under systemd with the priority of each line, so that
journalctl -p warning shows what it should. It does not wait for whoever reads that, and does not
end with them: lines that could not be written are counted, and a later line says how
many they were.

Other processes of the same user, such as plugins, can't read the node's memory and
environment, so the kernel writes no core dump and no debugger can attach without root.
--debuggable allows both. Crashes are in the log either way.

A node does not start with a configuration that has mistakes, or on a data directory
that another node is using. A daemon or plugin whose program is missing is rejected, and
the rest starts; meshos status shows why, and it is tried again when the program is there.
Only a plugin that is required keeps the node from starting.`,
		Example: `  meshos run
  meshos run --config /etc/meshos/meshos.toml --log-level debug
  meshos run --journal var/journal.jsonl`,
		Args: cobra.NoArgs,
	}
	level := cmd.Flags().String("log-level", "info", "log from this `LEVEL` on: debug, info, warn or error")
	format := cmd.Flags().String("log-format", "auto", "the `FORMAT` of the log: text, json, or auto, which is text on a terminal and json elsewhere")
	journal := cmd.Flags().String("journal", "", "record the inputs of the node in this `FILE`, for replay; an existing file becomes FILE.old")
	completeFlag(cmd, "log-level", "debug", "info", "warn", "error")
	completeFlag(cmd, "log-format", "auto", "text", "json")
	_ = cmd.MarkFlagFilename("journal")
	stopDaemons := cmd.Flags().Bool("stop-daemons", false, "stop the daemons when the node ends, instead of leaving them running")
	debuggable := cmd.Flags().Bool("debuggable", false, "let other processes of this user read the node's memory, and let the kernel dump it")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*debuggable {
			if err := dumpable.Forbid(); err != nil {
				return err
			}
		}
		log, err := a.openNodeLog(*level, *format)
		if err != nil {
			return &usageError{err: err, help: cmd.CommandPath() + " --help"}
		}
		stop, err := readfile.Outside()
		if err != nil {
			return err
		}
		defer stop()
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		if len(cfg.Unstartable) > 0 {
			return &configError{report: &config.Report{Problems: cfg.Unstartable}}
		}
		reload := a.hangups
		if reload == nil {
			taken := make(chan os.Signal, 1)
			signal.Notify(taken, syscall.SIGHUP)
			defer signal.Stop(taken)
			reload = taken
		}
		if err := host.Run(cmd.Context(), cfg, host.Options{
			Version: a.version, Log: log.Logger, LostLines: log.lost, Sentence: a.sentence, Trouble: a.trouble, Reload: reload, Journal: *journal, StopDaemons: *stopDaemons, Abort: a.abort,
		}); err != nil {
			return fmt.Errorf("node %d: %w", cfg.Node.ID, err)
		}
		return nil
	}
	return cmd
}
