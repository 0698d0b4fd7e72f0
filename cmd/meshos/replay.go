package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host/journal"
)

func newReplayCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Replay what a node recorded, and show what it decided",
		Long: `Feeds a journal, as run --journal writes it, through the same judgement as a node
does, without plugins, network or waiting, and prints one line of JSON per tick: the
actions handed out. Nothing that its configuration names is opened.

A journal of several files (FILE.1, FILE.2 … and FILE) is named by FILE. One that is
cut off in its last line is replayed up to there, with a warning; any other damage
ends the replay, with the line and exit code 1.

With --diff it prints no ticks: it compares tick by tick with another journal, or
with what an earlier replay printed, and shows the first tick that differs, field by
field; exit code 1 says that there is one.`,
		Example: `  meshos replay var/journal.jsonl
  meshos replay var/journal.jsonl --until 1200 --snapshot | tail -1
  meshos replay before.jsonl --diff after.jsonl
  meshos replay var/journal.jsonl > recorded.out   # with one version of meshos
  meshos replay var/journal.jsonl --diff recorded.out   # with the next`,
		Args: cobra.ExactArgs(1),
	}
	snapshot := cmd.Flags().Bool("snapshot", false, "print the node's view after the end as a last line")
	until := cmd.Flags().Uint64("until", 0, "stop after this tick; 0 for the end")
	diff := cmd.Flags().String("diff", "", "compare with this journal, or with this output of an earlier replay")
	output := addOutput(cmd)
	_ = cmd.MarkFlagFilename("diff")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *diff != "" && *snapshot:
			return &usageError{
				err:  errors.New("--snapshot: --diff compares snapshots anyway and prints none"),
				help: cmd.CommandPath() + " --help",
			}
		case *diff != "":
			return a.replayDiff(args[0], *diff, *until, *output)
		}
		return a.replay(cmd.Context(), args[0], *until, *snapshot)
	}
	return cmd
}

// replay prints one line per tick up to a tick, 0 for the end.
func (a *app) replay(ctx context.Context, file string, until uint64, snapshot bool) (err error) {
	reader, err := journal.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	replay := journal.NewReplay(reader)
	out := bufio.NewWriterSize(a.out, 64<<10)
	defer func() {
		if flushed := out.Flush(); err == nil {
			err = flushed
		}
		a.warnOfReplay(replay)
	}()
	for ticks := uint64(0); until == 0 || ticks < until; {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := replay.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		ticks = t.Number
		line, err := journal.TickLine(t)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	seen := replay.Snapshot()
	if !snapshot || seen == nil {
		return nil
	}
	line, err := journal.SnapshotLine(seen)
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

func (a *app) warnOfReplay(replay *journal.Replay) {
	for _, warning := range replay.Warnings() {
		_, _ = fmt.Fprintf(a.err, "warning: %s\n", warning)
	}
}
