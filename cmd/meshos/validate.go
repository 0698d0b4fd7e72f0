package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
)

func newValidateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check a configuration without starting anything",
		Long: `Checks a configuration as run does. All mistakes are reported, each with its line, its
key and what to do about it; the exit code is 2 then.`,
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
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			a.config = args[0]
		}
		cfg, err := a.loadConfig()
		if err != nil {
			return err
		}
		if *effective {
			_, err := io.WriteString(a.out, cfg.Effective())
			return err
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
		_, _ = fmt.Fprintf(a.err, "warning: %s\n", warning)
	}
}
