package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	journalFile  = "../../host/journal/testdata/replay/b03-queue-room.jsonl"
	journalTicks = `{"tick":1,"at":"0.5s","actions":[]}
{"tick":2,"at":"1s","actions":[{"start_daemon":{"daemon":{"id":"1","name":"a"}}}]}
{"tick":3,"at":"1.5s","actions":[{"start_daemon":{"daemon":{"id":"2","name":"b"}}},{"start_daemon":{"daemon":{"id":"3","name":"c"}}}]}
{"tick":4,"at":"2s","actions":[]}
`
)

// changed writes the journal with one text replaced.
func changed(t *testing.T, from, to string) string {
	t.Helper()
	raw, err := os.ReadFile(journalFile)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), from) {
		t.Fatalf("no %s in %s", from, journalFile)
	}
	return scratch(t, "changed.jsonl", strings.Replace(string(raw), from, to, 1))
}

func scratch(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplayPrintsOneLinePerTick(t *testing.T) {
	var s shell
	if code := s.run(t.Context(), "replay", journalFile); code != exitDone || s.out.String() != journalTicks || s.err.String() != "" {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}

func TestReplayStopsAfterATickAndPrintsTheSnapshotThere(t *testing.T) {
	var s shell
	code := s.run(t.Context(), "replay", journalFile, "--until", "2", "--snapshot")
	lines := strings.SplitAfter(journalTicks, "\n")
	got, found := strings.CutPrefix(s.out.String(), lines[0]+lines[1])
	if code != exitDone || !found || !strings.HasPrefix(got, `{"snapshot":{"node":"1","epoch":"7","tick":"2","taken_at":"2026-03-01T12:00:01Z"`) ||
		strings.Count(got, "\n") != 1 {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}

// Ticks 1 to 4 of the journal are at 0.5 s to 2 s after noon.
func TestReplayUpToATime(t *testing.T) {
	lines := strings.SplitAfter(journalTicks, "\n")
	for at, want := range map[string]string{
		"2026-03-01T12:00:01Z":   lines[0] + lines[1],
		"2026-03-01T12:00:01.4Z": lines[0] + lines[1],
		"2026-03-01 12:00:02":    journalTicks,
	} {
		s := &shell{}
		if code := s.run(t.Context(), "replay", journalFile, "--at", at); code != exitDone || s.out.String() != want {
			t.Errorf("%s: exit code %d: %s%s", at, code, s.out.String(), s.err.String())
		}
	}
	for _, at := range []string{"2026-03-01 11:59", "2026-03-01 12:01"} {
		s := &shell{}
		code := s.run(t.Context(), "replay", journalFile, "--at", at)
		if want := "goes from 2026-03-01 12:00:00.500 to 2026-03-01 12:00:02.000, and says nothing of " + at + ":00.000\n"; code != exitUsage || !strings.HasSuffix(s.err.String(), want) {
			t.Errorf("%s: exit code %d: %s", at, code, s.err.String())
		}
	}
}

func TestReplayOfAJournalThatIsCutOff(t *testing.T) {
	raw, err := os.ReadFile(journalFile)
	if err != nil {
		t.Fatal(err)
	}
	file := scratch(t, "cut.jsonl", string(raw[:len(raw)-5]))
	var s shell
	code := s.run(t.Context(), "replay", file)
	want := "warning: " + file + ":5: the last line is cut off; the journal ends before it, with entry 4\n"
	if lines := strings.SplitAfter(journalTicks, "\n"); code != exitDone || s.out.String() != strings.Join(lines[:3], "") || s.err.String() != want {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}

func TestReplayOfADamagedJournal(t *testing.T) {
	file := changed(t, `"index":"3"`, `"index":"4"`)
	var s shell
	code := s.run(t.Context(), "replay", file)
	want := "meshos: " + file + ":3: index 4 follows 2, and must be 3\n" +
		"    entries are missing or out of order, so nothing from here on can be replayed\n"
	if lines := strings.SplitAfter(journalTicks, "\n"); code != exitFailed || s.out.String() != lines[0] || s.err.String() != want {
		t.Errorf("exit code %d: %s%s", code, s.out.String(), s.err.String())
	}
}

func TestReplayUsage(t *testing.T) {
	for line, want := range map[string]string{
		"replay":              "an argument is missing\n    usage: meshos replay FILE [flags]\n",
		"replay a b":          "meshos replay does not take these arguments: [\"a\" \"b\"]\n",
		"replay a --until -1": `invalid argument "-1" for "--until" flag`,
		"replay " + journalFile + " --diff b -o yaml":                 "want table or json",
		"replay " + journalFile + " --snapshot --diff " + journalFile: "--snapshot: with --diff the snapshots are compared anyway",
	} {
		var s shell
		if code := s.run(t.Context(), strings.Fields(line)...); code != exitUsage || !strings.Contains(s.err.String(), want) {
			t.Errorf("%s: exit code %d: %s", line, code, s.err.String())
		}
	}
	var s shell
	if code := s.run(t.Context(), "replay", "none.jsonl"); code != exitFailed || !strings.Contains(s.err.String(), "none.jsonl: no such file") {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}

func TestReplayDiff(t *testing.T) {
	printed := scratch(t, "printed", journalTicks)
	less := changed(t, `"queue_room":2}`, `"queue_room":1}`)
	short := scratch(t, "short", strings.Join(strings.SplitAfter(journalTicks, "\n")[:3], ""))
	for _, c := range []struct {
		name, file, other, more string
		code                    int
		want                    string
	}{
		{"with itself", journalFile, journalFile, "", exitDone, "equal: 4 ticks\n"},
		{"with its output", journalFile, printed, "", exitDone, "equal: 4 ticks\n"},
		{"as JSON", journalFile, printed, "-o json", exitDone, `{"equal":true,"ticks":4}` + "\n"},
		{"up to a tick", journalFile, less, "--until 2", exitDone, "equal: 2 ticks\n"},
		{"with another journal", journalFile, less, "", exitFailed, `tick 3 is the first that differs
  actions[1]
    ONE:4: {"start_daemon":{"daemon":{"id":"3","name":"c"}}}
    OTHER:4: (none)
  snapshot.daemons[daemon 3].lifecycle
    ONE:4: "LIFECYCLE_STARTING"
    OTHER:4: "LIFECYCLE_STOPPED"
  snapshot.recently_emitted[id 3]
    ONE:4: {"action":{"start_daemon":{"daemon":{"id":"3","name":"c"}}},"age":"0s","id":"3","kind":"start_daemon"}
    OTHER:4: (none)
`},
		{"with other output", less, printed, "", exitFailed, `tick 3 is the first that differs
  actions[1]
    ONE:4: (none)
    OTHER:3: {"start_daemon":{"daemon":{"id":"3","name":"c"}}}
`},
		{
			"as JSON what differs", less, printed, "-o json", exitFailed,
			`{"equal":false,"ticks":2,"tick":3,"fields":[{"path":"actions[1]","other":{"start_daemon":{"daemon":{"id":"3","name":"c"}}}}]}` + "\n",
		},
		{"with less output", journalFile, short, "", exitFailed, "OTHER ends after tick 3, the other one continues (ONE:5)\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s shell
			code := s.run(t.Context(), append([]string{"replay", c.file, "--diff", c.other}, strings.Fields(c.more)...)...)
			want := strings.NewReplacer("ONE", c.file, "OTHER", c.other).Replace(c.want)
			if code != c.code || s.out.String() != want {
				t.Errorf("exit code %d: %s%s\nwant %s", code, s.out.String(), s.err.String(), want)
			}
		})
	}
}

func TestReplayDiffWithTheSnapshotAtTheEnd(t *testing.T) {
	var s shell
	if code := s.run(t.Context(), "replay", journalFile, "--snapshot"); code != exitDone {
		t.Fatal(s.err.String())
	}
	for from, want := range map[string]string{
		"": "equal: 4 ticks\n",
		`"name":"c"},"lifecycle":"LIFECYCLE_STARTING"`: "all 4 ticks are equal, but the snapshots at the end differ\n  snapshot.daemons[daemon 3].lifecycle\n",
	} {
		text := s.out.String()
		if from != "" && !strings.Contains(text, from) {
			t.Fatalf("no %s in %s", from, text)
		}
		text = strings.Replace(text, from, strings.Replace(from, "STARTING", "RUNNING", 1), 1)
		var d shell
		d.run(t.Context(), "replay", journalFile, "--diff", scratch(t, "printed", text))
		if !strings.HasPrefix(d.out.String(), want) {
			t.Errorf("said %s%s\nwant %s", d.out.String(), d.err.String(), want)
		}
	}
}

func TestReplayDiffWithAFileThatIsNeitherOutputNorJournal(t *testing.T) {
	first := strings.SplitAfter(journalTicks, "\n")[0]
	for text, want := range map[string]string{
		"hello\n":                ":1: column 1: syntax error: invalid value hello",
		first + "{\"tock\":1}\n": `:2: must begin with {"tick":…} or {"snapshot":…}, as replay prints them`,
		first + "{\"tick\":1":    ":2: unexpected end of JSON input",
	} {
		file := scratch(t, "other", text)
		var s shell
		code := s.run(t.Context(), "replay", journalFile, "--diff", file)
		if code != exitFailed || s.err.String() != "meshos: "+file+want+"\n" {
			t.Errorf("exit code %d: %s\nwant %s", code, s.err.String(), want)
		}
	}
}
