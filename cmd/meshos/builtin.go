package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// finishBuiltins makes the commands that cobra brings along, help and completion,
// refuse what they don't know, as all others do: cobra prints a help text then and
// says that all is well.
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
	found.InitDefaultHelpFlag() // so that the flag is shown, too
	return found.Help()
}

// finishCompletion keeps file names away from where the shell can't use them: behind
// commands without arguments.
func finishCompletion(cmd *cobra.Command) {
	takesNone := cmd.Args != nil && cmd.Args(cmd, []string{"x"}) != nil
	if takesNone && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, child := range cmd.Commands() {
		finishCompletion(child)
	}
}

// completeFlag offers words to the shell as values of a flag.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
