package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/internal/readfile"
)

func newValidateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a configuration without starting anything",
		Long: `Checks a configuration as run does. All mistakes are reported, each with its line, its
key and what to do about it. With mistakes of the file itself a node does not start, and
the exit code is 2. What an entry points at and is missing, such as the program of a
daemon, keeps only that entry from working; the exit code is 1 then. So it is if a name is
used twice, or a daemon is for a node that nobody is.

The binaries of enabled plugins are compared with their sha256, and asked to describe
themselves, so that unknown keys of [plugin.config] are found, and health targets of peers
that no plugin checks. No plugin is started.

On a member of a mesh, chains with a stream are compared with those of the mesh, which count.`,
		Example: `  meshos validate
  meshos validate /etc/meshos/meshos.toml
  meshos validate --effective > all-keys.toml`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"toml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	effective := cmd.Flags().Bool("effective", false, "print the configuration with all defaults filled in")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			a.config = args[0]
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
		if *effective {
			_, err := io.WriteString(a.out, cfg.Effective())
			return err
		}
		faults, warnings := validatePlugins(cmd.Context(), cfg)
		a.warn(warnings)
		apart, alone := a.validateChains(cmd.Context(), cfg)
		a.warn(alone)
		faults = append(faults, apart...)
		if faults = append(slices.Clone(cfg.Faults), faults...); len(faults) > 0 {
			slices.SortStableFunc(faults, func(a, b config.Problem) int { return cmp.Compare(a.Line, b.Line) })
			return &faultsError{faults: faults}
		}
		_, err = fmt.Fprintf(a.out, "%s is valid: node %d, %s, %s, %s, %s\n", cfg.File, cfg.Node.ID,
			view.Counted(len(cfg.Peers), "peer"), view.Counted(len(cfg.Chains), "chain"),
			view.Counted(len(cfg.Daemons), "daemon"), view.Counted(len(cfg.Plugins), "plugin"))
		return err
	}
	return cmd
}

// loadConfig reads the configuration and prints its warnings.
func (a *app) loadConfig() (*config.Config, error) {
	cfg, err := config.Load(a.configPath())
	var report *config.Report
	if errors.As(err, &report) {
		a.warn(report.Warnings)
		return nil, &configError{report: report}
	}
	if err != nil {
		return nil, err
	}
	a.warn(cfg.Warnings)
	return cfg, nil
}

func (a *app) warn(warnings []config.Problem) {
	for _, warning := range warnings {
		_, _ = io.WriteString(a.err, a.marked(slog.LevelWarn, fmt.Sprintf("warning: %s\n", warning)))
	}
}
