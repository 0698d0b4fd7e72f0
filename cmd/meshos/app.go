package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// app is what every command works with: the outside world, and the flags that all commands
// share.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	now      func() time.Time
	zone     *time.Location
	version  string
	person   sign.Prompter // nil: the terminal, if in is one

	address string
	node    nodeFlag // of the mesh, that is asked in place of the one at the socket
	config  string
	timeout time.Duration
	journal bool // err is a stream of systemd's journal, and a node writes to it
	// closeErr, if set, waits a moment until what was written to err is read.
	closeErr func()
	abort    <-chan struct{}  // closed when not even an orderly end is waited for
	hangups  <-chan os.Signal // where SIGHUP comes since the process began; nil: it is not taken yet
	release  func()           // gives SIGHUP back to the system, for all commands but run; may be nil
	started  bool             // the command line was understood: what fails now is not wrong usage
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, a *app, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	finishBuiltins(root)
	finishArguments(root)
	finishCompletion(root)
	cmd, err := root.ExecuteContextC(ctx)
	defer func() {
		if a.closeErr != nil {
			a.closeErr()
		}
	}()
	if err == nil || errors.Is(err, context.Canceled) && ctx.Err() != nil || unread(a.out, err) {
		return exitDone
	}
	if !a.started {
		err = &usageError{err: err, help: cmd.CommandPath() + " --help"}
	}
	if err != errNotWell { //nolint:errorlint // it is never wrapped
		_, _ = io.WriteString(a.err, a.marked(slog.LevelError, fmt.Sprintf("meshos: %s\n", err)))
	}
	return exitCode(err)
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "meshos",
		Short: "One control loop per machine",
		Long: `meshos runs one control loop per machine: it receives events about the mesh,
measures the other machines, compares the actual state with the desired one, and
acts on the difference.

` + "`meshos run`" + ` starts a node. The other commands talk to a running node over its
unix socket (node.socket in its configuration), except for validate, replay,
explain --journal, audit verify, audit export, records, version and completion, which
need no running node.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the node did not
answer, 4 the node rejected the command, 5 it is not known whether an order in a mesh
counts, 6 this user may not do that.`,
		Version:       a.version, // for --version
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			// Cobra itself checks these later, when started is set already.
			if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
				return err
			}
			if err := a.checkNode(cmd); err != nil {
				return err
			}
			a.started = true
			if a.release != nil && cmd.Name() != "run" {
				a.release()
			}
			return nil
		},
	}
	root.SetVersionTemplate(a.versionLine())
	root.Flags().Bool("version", false, "print the version of this binary")
	flags := root.PersistentFlags()
	flags.StringVar(&a.address, "address", "",
		"the node's `SOCKET`, as unix:PATH or PATH (default: $MESHOS_ADDRESS, else node.socket of the configuration)")
	flags.StringVarP(&a.config, "config", "c", "", "the configuration `FILE` (default: $MESHOS_CONFIG, else meshos.toml)")
	_ = root.MarkPersistentFlagFilename("config", "toml")
	a.node = nodeFlag{flag: "node"}
	flags.Var(&a.node, "node", "ask this `NODE` of the mesh, by id or name; of a command that orders something: the node to act on")
	_ = root.RegisterFlagCompletionFunc("node", a.completeNodes)
	flags.DurationVar(&a.timeout, "timeout", 5*time.Second, "how long to wait for the node's answer")
	root.AddCommand(
		newRunCommand(a), newValidateCommand(a), newReloadCommand(a), newStatusCommand(a), newNodesCommand(a), newHealthCommand(a), newPublishCommand(a), newLogsCommand(a),
		newFailuresCommand(a), newActionsCommand(a), newPluginCommand(a), newExplainCommand(a), newProbeCommand(a), newReplayCommand(a), newVersionCommand(a),
		newAuditCommand(a), newRecordsCommand(a), newMeshCommand(a),
		newAdminCommand(a), newChainCommand(a), newDaemonCommand(a), newIceCommand(a), newOperatorsCommand(a),
	)
	return root
}

// configPath returns the configuration file that --config or the environment names.
func (a *app) configPath() string {
	if a.config != "" {
		return a.config
	}
	if path := a.env("MESHOS_CONFIG"); path != "" {
		return path
	}
	return "meshos.toml"
}

// terminal reports whether w is a terminal.
func terminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// color reports whether to write in color to w.
func (a *app) color(w any) view.Color {
	return view.Color(terminal(w) && a.env("NO_COLOR") == "" && a.env("TERM") != "dumb")
}

// printer returns the Printer for text that is written to w.
func (a *app) printer(w any) view.Printer { return view.Printer{Color: a.color(w), Zone: a.zone} }

// prompter returns who answers questions, or nil if nobody is at a terminal.
func (a *app) prompter() sign.Prompter {
	if a.person != nil {
		return a.person
	}
	in, ok := a.in.(*os.File)
	if !ok || !terminal(in) || !terminal(a.err) {
		return nil
	}
	return sign.NewTerminal(in, a.err)
}

// signer returns the Signer for the operator who runs this command.
func (a *app) signer() *sign.Signer {
	return &sign.Signer{AgentSocket: a.env("SSH_AUTH_SOCK"), AgentTimeout: a.timeout, Prompter: a.prompter(), Note: a.note, Now: a.now}
}

// outputFlag is the value of -o.
type outputFlag string

const (
	outputTable outputFlag = "table"
	outputJSON  outputFlag = "json"
)

// String implements pflag.Value.
func (o *outputFlag) String() string { return string(*o) }

// Type implements pflag.Value.
func (o *outputFlag) Type() string { return "table|json" }

// Set implements pflag.Value.
func (o *outputFlag) Set(s string) error {
	switch outputFlag(strings.ToLower(s)) {
	case outputTable:
		*o = outputTable
	case outputJSON:
		*o = outputJSON
	default:
		return errors.New("want table or json")
	}
	return nil
}

// addOutput adds -o to a command.
func addOutput(cmd *cobra.Command) *outputFlag {
	output := outputTable
	cmd.Flags().VarP(&output, "output", "o", "print a table for people, or the contract's JSON")
	completeFlag(cmd, "output", "table", "json")
	return &output
}
