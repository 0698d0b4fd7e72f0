package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/internal/golden"
)

func TestHelpOfEveryCommand(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return // these are cobra's own
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		t.Run(name, func(t *testing.T) {
			var s shell
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
			if code := s.run(t.Context(), args...); code != exitDone {
				t.Errorf("exit code %d", code)
			}
			golden.Check(t, filepath.Join("testdata/help", name+".txt"), s.out.String())
		})
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRoot(&app{}))
}

func TestCompletionIsThere(t *testing.T) {
	var s shell
	if code := s.run(t.Context(), "completion", "bash"); code != exitDone || !strings.Contains(s.out.String(), "__start_meshos") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestCommandLinesThatMakeNoSense(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"stats", `unknown command "stats" for "meshos"`},
		{"status extra", "meshos status takes no argument, and got \"extra\"\n    usage: meshos status [flags]\n    see meshos status --help\n"},
		{"status -o yaml", `invalid argument "yaml" for "-o, --output" flag: want table or json`},
		{"status --nope", "unknown flag: --nope"},
		{"status --timeout 0s", "--timeout: must be more than 0, is 0s"},
		{"plugin lst", `unknown command "lst" for "meshos plugin"`},
		{"plugin describe", "an argument is missing\n    usage: meshos plugin describe NAME [flags]\n"},
		{"logs --level loud", `--level "loud": want trace, debug, info, warn or error`},
		{"logs -n -1", "--lines: must not be negative, is -1"},
		{"failures -n -1", "--lines: must not be negative, is -1"},
		{"publish", "there is no event"},
		{"explain", "an argument is missing\n    usage: meshos explain chain ID | daemon ID|NAME | peer ID|NAME [flags]\n"},
		{"explain 7", `"7": want chain:ID, daemon:ID, daemon:NAME, peer:ID or peer:NAME`},
		{"explain blob 7", `"blob": want chain, daemon or peer`},
		{"explain chain:seven", `chain "seven": chains have no names, only ids`},
		{"explain daemon:", "daemon: the id is missing: want daemon:ID"},
		{"explain daemon", "daemon: the id is missing: want daemon:ID"},
		{"explain chain 7 --until 3", "--until: a running node only knows the present"},
		{"run --log-level loud", `--log-level "loud": want debug, info, warn or error`},
		{"help bogus", `unknown command "bogus" for "meshos"`},
		{"help plugin lst", `unknown command "lst" for "meshos plugin"`},
		{"completion tcsh", `unknown command "tcsh" for "meshos completion"`},
		{"run --log-format xml", `--log-format "xml": want auto, text or json`},
	} {
		t.Run(c.line, func(t *testing.T) {
			s := shell{env: map[string]string{"MESHOS_ADDRESS": "/nowhere"}}
			code := s.run(t.Context(), strings.Fields(c.line)...)
			if code != exitUsage || !strings.HasPrefix(s.err.String(), "meshos: "+c.want) || s.out.String() != "" {
				t.Errorf("exit code %d, said %s", code, s.err.String())
			}
		})
	}
}
