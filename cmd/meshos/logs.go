package main

import (
	"context"
	"fmt"
	"io"
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
		Long: `Shows the newest 2048 lines of the node's log: its own lines and those of its
daemons. With --follow it continues with new lines until it is interrupted.`,
		Example: `  meshos logs -n 20
  meshos logs -f --level warn
  meshos logs -f --daemon demo
  meshos logs -o json | jq -r .message`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	follow := cmd.Flags().BoolP("follow", "f", false, "continue with new lines")
	lines := cmd.Flags().IntP("lines", "n", 0, "show only the `N` newest lines; 0 for all")
	level := cmd.Flags().String("level", "trace", "show lines from this `LEVEL` on: trace, debug, info, warn or error")
	completeFlag(cmd, "level", "trace", "debug", "info", "warn", "error")
	daemon := cmd.Flags().String("daemon", "", "show only lines of the daemon with this `ID` or name")
	_ = cmd.RegisterFlagCompletionFunc("daemon", a.completeDaemons)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		least, ok := meshosv1.LogLevel_value["LOG_LEVEL_"+strings.ToUpper(*level)]
		if !ok || least == 0 {
			return &usageError{err: fmt.Errorf("--level %q: want trace, debug, info, warn or error", *level), help: cmd.CommandPath() + " --help"}
		}
		if *lines < 0 {
			return &usageError{err: fmt.Errorf("--lines: must not be negative, is %d", *lines), help: cmd.CommandPath() + " --help"}
		}
		node, err := a.connect()
		if err != nil {
			return err
		}
		defer node.close()
		snapshot, err := node.snapshot(cmd.Context())
		if err != nil {
			return err
		}
		only, err := findDaemon(snapshot, *daemon)
		if err != nil {
			return err
		}
		wanted := func(r *meshosv1.LogRecord) bool {
			return int32(r.GetLevel()) >= least && (*daemon == "" || r.DaemonId != nil && r.GetDaemonId() == only)
		}
		printer, names := a.printer(a.out), daemonNames(snapshot)
		show := func(r *meshosv1.LogRecord) error {
			if *output == outputJSON {
				return view.JSON(a.out, r, true)
			}
			_, err := io.WriteString(a.out, printer.LogRecord(r, names))
			return err
		}
		return tail(cmd.Context(), tailing[meshosv1.LogRecord]{
			epoch: snapshot.GetEpoch(), ring: snapshot.GetLogs(), most: *lines, follow: *follow,
			seq: (*meshosv1.LogRecord).GetSeq, wanted: wanted, show: show,
			newer: func(ctx context.Context, in *hostv1.TailRequest, visit func(*meshosv1.LogRecord) error) error {
				stream, err := node.TailLogs(ctx, in)
				return receive(ctx, node, stream, err, visit)
			},
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
	if word == "" {
		return 0, nil
	}
	if id, err := strconv.ParseUint(word, 10, 64); err == nil && id != 0 {
		return id, nil // the daemon may be gone, but may have left lines
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
