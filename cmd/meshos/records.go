package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/backup"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/records"
)

func newRecordsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "records",
		Short: "Back up and restore what a node must not lose",
		Long: `Copies a node's records, its ordered log, and what it remembers of accepted commands to
another folder, and back.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{err: errors.New("a command is missing: records backup or records restore"), help: cmd.CommandPath() + " --help"}
		},
	}
	cmd.AddCommand(newRecordsBackupCommand(a), newRecordsRestoreCommand(a))
	return cmd
}

func newRecordsBackupCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy a node's records, orders and operators' state to DIR",
		Long: `Copies to DIR, from the data directory of the configuration: all records (audit, failure,
action, log) with how far each appender holds them, the ordered log, and what the node
remembers of the commands that it accepted. The node may be running: the copy is
consistent all the same. A second backup to the same DIR copies only what is new, and
removes the log, failure and action records that the node has dropped meanwhile.

Every byte of the copy is checked. If something was damaged at the node already, it is
copied as it is, the output says so, and the exit code is 1. If DIR holds records that
the node no longer has, nothing in it is changed: the node's records were cut off, or
it began with an older copy.

DIR is laid out as a data directory: audit verify, audit export, and logs --dir read it.
Its files are readable by their owner only. It has no runs of daemons, no folders of
plugins and no keys. It runs as a user who may read the data directory: the node's, or
root.`,
		Example: `  meshos records backup /mnt/backup/node1
  meshos -c /etc/meshos/meshos.toml records backup /mnt/backup/node1 -o json
  meshos audit verify /mnt/backup/node1`,
		Args: cobra.ExactArgs(1),
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		result, err := backup.Make(cmd.Context(), backup.Options{
			DataDir: cfg.Node.DataDir, Node: uint64(cfg.Node.ID), Dir: args[0], Version: a.version, Now: a.now(),
		})
		if err != nil {
			return err
		}
		if *output == outputJSON {
			err = json.NewEncoder(a.out).Encode(result)
		} else {
			a.showBackup(args[0], result)
		}
		if err == nil && len(result.Damage) > 0 {
			err = fmt.Errorf("the records in %s are damaged in %s, and so is their copy", cfg.Node.DataDir, view.Counted(len(result.Damage), "place"))
		}
		return err
	}
	return cmd
}

func (a *app) showBackup(dir string, r *backup.Result) {
	for _, name := range append(records.Names(), ordered.Folder, "mesh") {
		chain, there := r.Chains[name]
		if !there {
			continue
		}
		line := fmt.Sprintf("%-8s %s in %s, up to number %d", name, view.Counted(int(chain.Records), "record"), view.Counted(chain.Files, "file"), chain.Last)
		if copied := r.Copied[name]; copied.Files+copied.Removed > 0 {
			line += fmt.Sprintf("; copied %s (%d bytes)", view.Counted(copied.Files, "file"), copied.Bytes)
			if copied.Removed > 0 {
				line += fmt.Sprintf(", removed %d that the node dropped", copied.Removed)
			}
		} else {
			line += "; nothing new"
		}
		_, _ = fmt.Fprintln(a.out, line)
	}
	a.showPlaces(r.Damage)
	_, _ = fmt.Fprintf(a.out, "backup   of node %d in %s: orders up to height %d, as of %s\n",
		r.Node, view.Plain(dir), r.Height, r.TakenAt.In(a.zone).Format(time.RFC3339))
}

func newRecordsRestoreCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore DIR",
		Short: "Put a backup into the data directory of a stopped node without data",
		Long: `Checks every byte of the backup in DIR, and puts it into the data directory of the
configuration. The node must not be running, and the data directory must have no
records, orders and operators' state: move the folders records, ordered, operator and
mesh/log in it away first. Of a member of a mesh the copy has the log of that, and not the
node's key: without mesh/node.key the machine joins again, with a token that replaces it.

What the node did since the backup is not in it. So the node rejects all commands that
were issued before the restore, since it may have accepted them, and it begins a new
epoch, so that the numbers of its records do not meet those that were lost. Appenders
keep what they hold. The node's first failure record says what was restored.`,
		Example: `  systemctl stop meshos
  mv /var/lib/meshos /var/lib/meshos.broken && install -d -m 0700 -o meshos -g meshos /var/lib/meshos
  meshos -c /etc/meshos/meshos.toml records restore /mnt/backup/node1
  systemctl start meshos`,
		Args: cobra.ExactArgs(1),
	}
	output := addOutput(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		m, err := backup.Restore(cmd.Context(), backup.RestoreOptions{
			Dir: args[0], DataDir: cfg.Node.DataDir, Node: uint64(cfg.Node.ID), Now: a.now(), FutureSkew: cfg.Operators.FutureSkew,
		})
		if err != nil {
			return err
		}
		if *output == outputJSON {
			return json.NewEncoder(a.out).Encode(m)
		}
		_, err = fmt.Fprintf(a.out, "restored to %s as of %s: audit records up to number %d, orders up to height %d\n"+
			"    commands that were issued before now are rejected; sign new ones\n",
			view.Plain(cfg.Node.DataDir), m.TakenAt.In(a.zone).Format(time.RFC3339), m.Chains["audit"].Last, m.Height)
		return err
	}
	return cmd
}
