package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newLogsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the log of a node and its daemons",
		Long: `Shows the node's log: its own lines and those of its daemons. They are read from disk,
so those of earlier runs of the node are among them. Without --since, --until and -n the
newest 2048 are shown. With --follow it continues with new lines until it is
interrupted, also when the node is started again meanwhile. With --all-nodes the lines of all
nodes of the mesh are merged, each behind the name of its node; one that does not answer is said.

` + aboutTimes,
		Example: `  meshos logs -n 20
  meshos logs -f --level warn
  meshos logs --since 7d --daemon demo
  meshos logs --since "2026-11-23 14:00" --until "2026-11-23 14:02"
  meshos logs -o json | jq -r .message
  meshos logs --all-nodes -f --level warn`,
		Args: cobra.NoArgs,
	}
	h := addHistory(cmd, "lines", 2048)
	level := cmd.Flags().String("level", "trace", "show lines from this `LEVEL` on: trace, debug, info, warn or error")
	completeFlag(cmd, "level", "trace", "debug", "info", "warn", "error")
	daemon := cmd.Flags().String("daemon", "", "show only lines of the daemon with this `ID` or name")
	_ = cmd.RegisterFlagCompletionFunc("daemon", a.completeDaemons)
	every := cmd.Flags().Bool("all-nodes", false, "show the logs of all nodes of the mesh that are there, merged")
	cmd.MarkFlagsMutuallyExclusive("all-nodes", "dir")
	cmd.MarkFlagsMutuallyExclusive("all-nodes", "daemon")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		in, err := h.request(cmd, a)
		if err != nil {
			return err
		}
		least, ok := meshosv1.LogLevel_value["LOG_LEVEL_"+strings.ToUpper(*level)]
		if !ok || least == 0 {
			return &usageError{err: fmt.Errorf("--level %q: want trace, debug, info, warn or error", *level), help: cmd.CommandPath() + " --help"}
		}
		if least > 1 {
			in.MinLevel = meshosv1.LogLevel(least)
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		var snapshot *meshosv1.Snapshot // for the names of daemons
		if h.dir == "" {
			if snapshot, err = node.snapshot(cmd.Context()); err != nil {
				return err
			}
		}
		if *every {
			in.Follow = h.follow
			logs := &nodeLogs{a: a, follow: h.follow, json: *h.output == outputJSON, in: in}
			return a.whileRead(cmd.Context(), func(ctx context.Context) error { return logs.show(ctx, snapshot) })
		}
		if *daemon != "" {
			only, err := findDaemon(snapshot, *daemon)
			if err != nil {
				return err
			}
			in.DaemonId = &only
		}
		printer, names := a.printer(a.out), daemonNames(snapshot)
		return showHistory[meshosv1.LogRecord](cmd.Context(), a, node, h, in, chain[meshosv1.LogRecord]{
			name: "log", tail: hostv1.HostClient.TailLogs, stored: (*meshosv1.Record).GetLog, at: (*meshosv1.LogRecord).GetAt,
			wanted: func(r *meshosv1.LogRecord) bool {
				return r.GetLevel() >= in.GetMinLevel() && (in.DaemonId == nil || r.DaemonId != nil && r.GetDaemonId() == in.GetDaemonId())
			},
			line: func(r *meshosv1.LogRecord) (string, error) { return printer.LogRecord(r, names, a.now()), nil },
		})
	}
	return cmd
}

func daemonNames(s *meshosv1.Snapshot) map[uint64]string {
	names := map[uint64]string{}
	for _, daemon := range s.GetDaemons() {
		names[daemon.GetDaemon().GetId()] = daemon.GetDaemon().GetName()
	}
	return names
}

// findDaemon returns the id of a daemon that is named by its id or its name. A number is an
// id: names are labels, and several daemons may have the same one.
func findDaemon(s *meshosv1.Snapshot, word string) (uint64, error) {
	if id, err := strconv.ParseUint(word, 10, 64); err == nil && id != 0 {
		return id, nil // the daemon may be gone, but may have left lines
	}
	if s == nil {
		return 0, &usageError{err: fmt.Errorf("--daemon %q: with --dir no node is asked for its daemons; use the daemon's id", word)}
	}
	var known, ids []string
	var found uint64
	for _, daemon := range s.GetDaemons() {
		ref := daemon.GetDaemon()
		known = append(known, view.Daemon(ref))
		if word == ref.GetName() {
			found, ids = ref.GetId(), append(ids, strconv.FormatUint(ref.GetId(), 10))
		}
	}
	switch len(ids) {
	case 0:
	case 1:
		return found, nil
	default:
		return 0, &usageError{err: fmt.Errorf("--daemon: several daemons have the name %q; use one of their ids: %s", word, strings.Join(ids, ", "))}
	}
	return 0, &usageError{err: fmt.Errorf("--daemon: the node has no daemon %q; it has: %s", word, view.OrDash(strings.Join(known, ", ")))}
}
