package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// finishArguments makes every command say what arguments it takes when it gets others. Cobra
// itself takes a superfluous argument for a command, and says of a missing one only how many
// there should be.
func finishArguments(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		finishArguments(sub)
	}
	if check := cmd.Args; check != nil && !cmd.HasSubCommands() {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return fmt.Errorf("%s\n    usage: %s", wrongArguments(cmd, args), cmd.UseLine())
		}
	}
}

// wrongArguments returns what is wrong with the arguments of a command.
func wrongArguments(cmd *cobra.Command, args []string) string {
	_, takes, _ := strings.Cut(cmd.Use, " ")
	switch {
	case len(args) == 0:
		return "an argument is missing"
	case takes == "":
		return fmt.Sprintf("%s takes no argument, and got %q", cmd.CommandPath(), args[0])
	}
	return fmt.Sprintf("%s does not take these arguments: %q", cmd.CommandPath(), args)
}
