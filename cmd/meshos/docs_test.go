package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandIsDocumented(t *testing.T) {
	docs, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		name := strings.TrimPrefix(cmd.CommandPath(), "meshos ")
		if cmd.HasParent() && !cmd.HasSubCommands() && !strings.Contains(string(docs), "| `"+name) {
			t.Errorf("docs/cli.md has no %s", name)
		}
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRoot(&app{}))
}
