package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// finishBuiltins makes cobra's own commands, help and completion, fail for arguments that
// they don't know, as all other commands do. By default they print a help text and end with
// exit code 0.
func finishBuiltins(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.RunE = helpFor
		case "completion":
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}

// helpFor shows the help of the command that its arguments name.
func helpFor(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	switch {
	case err != nil:
		return &usageError{err: err, help: cmd.Root().CommandPath() + " --help"}
	case len(rest) > 0:
		return &usageError{
			err: fmt.Errorf("unknown command %q for %q", rest[0], found.CommandPath()), help: found.CommandPath() + " --help",
		}
	}
	found.InitDefaultHelpFlag() // so that the help text lists the flag
	return found.Help()
}

// finishCompletion keeps the shell from offering file names for commands that take no
// arguments.
func finishCompletion(cmd *cobra.Command) {
	takesNone := cmd.Args != nil && cmd.Args(cmd, []string{"x"}) != nil
	if takesNone && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, child := range cmd.Commands() {
		finishCompletion(child)
	}
}

// completeFlag makes the shell offer these words as values of a flag.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
