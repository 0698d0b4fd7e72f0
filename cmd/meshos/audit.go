package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/internal/readfile"
)

func newAuditCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show, check and export the records of operators' commands",
		Long: `Shows the audit records of a running node, and checks or exports the records that a
node has on disk, whether it is running or not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &usageError{err: errors.New("a command is missing: audit tail, audit verify or audit export"), help: cmd.CommandPath() + " --help"}
		},
	}
	cmd.AddCommand(newAuditTailCommand(a), newAuditVerifyCommand(a), newAuditExportCommand(a), newAuditWaitCommand(a))
	return cmd
}

// chainDir is the folder of one chain of records.
type chainDir struct {
	name string
	fs   disk.FS
}

// recordDirs finds the chains of records in a folder of records, in a data directory, or in
// the folder of one chain. Without an argument it looks in the configured data directory.
func (a *app) recordDirs(args []string) (dir string, out []chainDir, err error) {
	if len(args) > 0 {
		dir = args[0]
	} else {
		cfg, err := a.loadConfig()
		if err != nil {
			return "", nil, err
		}
		dir = cfg.Node.DataDir
	}
	if _, err := readfile.Stat(dir); err != nil {
		return "", nil, fmt.Errorf("%w; name the node's data_dir or the folder records in it", err)
	}
	if info, err := readfile.Stat(filepath.Join(dir, "records")); err == nil && info.IsDir() {
		dir = filepath.Join(dir, "records")
	}
	for _, name := range records.Names() {
		folder, err := disk.Existing(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		out = append(out, chainDir{name, folder})
	}
	if name := folderName(dir); len(out) == 0 && slices.Contains(records.Names(), name) {
		folder, err := disk.Existing(dir)
		if err != nil {
			return "", nil, err
		}
		out = append(out, chainDir{name, folder})
	}
	if len(out) == 0 {
		return "", nil, fmt.Errorf("%s has no records; name the node's data_dir or the folder records in it", dir)
	}
	return dir, out, nil
}

// folderName returns the last element of a folder's absolute path.
func folderName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}
