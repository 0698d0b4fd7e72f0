package main

import (
	"strings"
	"testing"
)

func TestTheShellOffersWhatTheNodeHas(t *testing.T) {
	const files, none, toml = ":0", ":4", ":8" // the directives of cobra
	_, s := start(t)
	for _, c := range []struct{ line, want string }{
		{"plugin describe |", "appender-jsonl health-tcp " + none},
		{"plugin describe health-tcp |", none},
		{"explain |", "chain daemon peer " + none},
		{"explain chain |", "7 8 " + none},
		{"explain daemon |", "demo 2 " + none},
		{"explain peer |", "here mirror 3 4 " + none}, // 3 has a name that would steer the terminal
		{"logs --daemon |", "demo 2 " + none},
		{"logs --level |", "trace debug info warn error " + none},
		{"run --log-level |", "debug info warn error " + none},
		{"run --log-format |", "auto text json " + none},
		{"run --journal |", files},
		{"status -o |", "table json " + none},
		{"status |", none},
		{"publish |", none},
		{"publish -f |", files},
		{"validate |", "toml " + toml},
		{"validate meshos.toml |", none},
		{"status --config |", "toml " + toml},
	} {
		t.Run(c.line, func(t *testing.T) {
			s.out.Reset()
			s.err.Reset()
			words := strings.Fields(strings.Replace(c.line, "|", "", 1))
			code := s.run(t.Context(), append(append([]string{"__complete"}, words...), "")...)
			if got := strings.Join(strings.Fields(s.out.String()), " "); code != exitDone || got != c.want {
				t.Errorf("exit code %d, offered %q, want %q", code, got, c.want)
			}
		})
	}
}

func TestTheShellDoesNotWaitForANode(t *testing.T) {
	s := shell{env: map[string]string{"MESHOS_ADDRESS": "/nowhere"}}
	if code := s.run(t.Context(), "__complete", "plugin", "describe", ""); code != exitDone || s.out.String() != ":4\n" {
		t.Errorf("exit code %d, offered %q", code, s.out.String())
	}
}
