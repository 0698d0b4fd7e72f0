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
		Short: "Replay the journal of a node, and show what it decided",
		Long: `Replays a journal that "run --journal" wrote: makes the same decisions as the node did,
without plugins, network or waiting, and prints one line of JSON for each tick, with
the actions of that tick. It opens no file that the recorded configuration names.

FILE also stands for a journal of several files (FILE.1, FILE.2 … and FILE). A journal
whose last line is cut off is replayed up to there, with a warning. Any other damage
ends the replay with exit code 1 and the number of the line.

With --diff no ticks are printed. The journal is compared, tick by tick, with another
journal or with the output of an earlier replay. The first tick that differs is shown
field by field, and the exit code is 1.

` + aboutTimes,
		Example: `  meshos replay var/journal.jsonl
  meshos replay var/journal.jsonl --until 1200 --snapshot | tail -1
  meshos replay var/journal.jsonl --at "2026-11-23 14:02" --snapshot | tail -1
  meshos replay before.jsonl --diff after.jsonl
  meshos replay var/journal.jsonl > recorded.out   # with one version of meshos
  meshos replay var/journal.jsonl --diff recorded.out   # with the next`,
		Args: cobra.ExactArgs(1),
	}
	snapshot := cmd.Flags().Bool("snapshot", false, "print the node's snapshot after the last tick as the last line")
	until := cmd.Flags().Uint64("until", 0, "stop after this `TICK`; 0 for the end")
	at := cmd.Flags().String("at", "", "stop after the last tick that is not later than this `TIME`")
	cmd.MarkFlagsMutuallyExclusive("until", "at")
	diff := cmd.Flags().String("diff", "", "compare with this `FILE`: another journal, or the output of an earlier replay")
	output := addOutput(cmd)
	_ = cmd.MarkFlagFilename("diff")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *at != "" {
			var err error
			if *until, err = a.tickAt(args[0], *at); err != nil {
				return err
			}
		}
		switch {
		case *diff != "" && *snapshot:
			return &usageError{
				err:  errors.New("--snapshot: with --diff the snapshots are compared anyway, and none is printed"),
				help: cmd.CommandPath() + " --help",
			}
		case *diff != "":
			return a.replayDiff(args[0], *diff, *until, *output)
		}
		return a.replay(cmd.Context(), args[0], *until, *snapshot)
	}
	return cmd
}

// tickAt returns the last tick of a journal that is not later than a time, as somebody wrote
// it.
func (a *app) tickAt(file, text string) (uint64, error) {
	when, err := readMoment(text, a.now(), a.zone)
	if err != nil {
		return 0, &usageError{err: fmt.Errorf("--at %w", err)}
	}
	tick, err := journal.TickAt(file, when.first.In(a.zone))
	var outside *journal.OutsideError
	if errors.As(err, &outside) {
		return 0, &usageError{err: fmt.Errorf("--at %s: %w", text, err)}
	}
	return tick, err
}

// replay prints one line for each tick up to until, 0 for the end.
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
