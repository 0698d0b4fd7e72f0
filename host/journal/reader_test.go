package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/journal"
	"github.com/meshos/meshos/host/mesh"
)

func TestAJournalCutOffInItsLastLineReplaysUpToThere(t *testing.T) {
	whole := story(t)
	lines := cut(whole)
	before := strings.Join(lines[:len(lines)-1], "")
	want := replayed(t, before)
	for n := len(before) + 1; n < len(whole); n++ {
		r := journal.NewReader("j.jsonl", strings.NewReader(whole[:n]))
		p := journal.NewReplay(r)
		got := printed(t, p)
		if n == len(whole)-1 { // only the newline is missing
			if got != replayed(t, whole) {
				t.Fatalf("without the last newline it differs:\n%s", got)
			}
			continue
		}
		warning := "warning: j.jsonl:5: the last line is cut off; the journal ends before it, with entry 4\n"
		if got != want+warning {
			t.Fatalf("cut off after %d of %d bytes:\n%s\nwant\n%s", n, len(whole), got, want+warning)
		}
		if got := replayed(t, whole[:n]+"\n"); got != want+warning {
			t.Fatalf("cut off after %d of %d bytes, with a newline behind:\n%s", n, len(whole), got)
		}
	}
}

func TestAJournalCutOffInItsFirstLineIsReportedAndNothingElse(t *testing.T) {
	whole := cut(story(t))[0]
	for n := 1; n < len(whole)-1; n++ {
		got := replayed(t, whole[:n])
		if want := "warning: j.jsonl:1: the last line is cut off; the journal ends before it, with entry 0\n"; got != want {
			t.Fatalf("cut off after %d bytes: %s", n, got)
		}
	}
}

func TestDamageIsSaidWithItsPlace(t *testing.T) {
	lines := cut(story(t))
	change := func(i int, from, to string) []string {
		out := append([]string(nil), lines...)
		if !strings.Contains(out[i], from) {
			t.Fatalf("line %d holds no %s", i+1, from)
		}
		out[i] = strings.Replace(out[i], from, to, 1)
		return out
	}
	without := func(i int) []string { return append(append([]string(nil), lines[:i]...), lines[i+1:]...) }
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing at all":      {nil, "j.jsonl: is empty\n    a journal begins with a boot entry"},
		"bad JSON":            {change(1, `"tick":{}`, `"tick":{]`), "j.jsonl:2: column 70: syntax error: unexpected token ]"},
		"cut in the middle":   {change(1, "}}\n", "\n"), "j.jsonl:2: the line is cut off, and others follow"},
		"garbage at the end":  {append(lines[:4:4], "xyz"), "j.jsonl:5: column 1: syntax error: invalid value xyz"},
		"wrong in the last":   {append(lines[:4:4], strings.TrimSpace(strings.Replace(lines[4], "tick", "tock", 1))), `j.jsonl:5: column`},
		"empty line":          {change(1, lines[1], "\n"), "j.jsonl:2: an empty line is not an entry"},
		"unknown field":       {change(1, `"tick":{}`, `"tick":{"rom":1}`), `j.jsonl:2: column`},
		"no input":            {change(1, `,"tick":{}`, ``), "j.jsonl:2: input: must be set to a kind of input that this version knows"},
		"boot is missing":     {without(0), "j.jsonl:1: the journal begins with entry 2, not with boot"},
		"boot is another":     {[]string{strings.Replace(lines[1], `"2"`, `"1"`, 1)}, "j.jsonl:1: the first entry must be boot"},
		"boot twice":          {append(lines[:1:1], strings.Replace(lines[0], `"1"`, `"2"`, 1)), "j.jsonl:2: a second boot"},
		"a gap":               {without(2), "j.jsonl:3: index 4 follows 2, and must be 3"},
		"an entry twice":      {append(lines[:2:2], lines[1:]...), "j.jsonl:3: index 2 follows 2, and must be 3"},
		"index left out":      {change(1, `"index":"2",`, ``), "j.jsonl:2: index 0 follows 1, and must be 2"},
		"time goes back":      {change(3, `"at":"0.700s"`, `"at":"0.599999999s"`), "j.jsonl:4: time goes back, from 0.6s to 0.599999999s"},
		"time is left out":    {change(3, `"at":"0.700s",`, ``), "j.jsonl:4: time goes back, from 0.6s to 0s"},
		"a bad field":         {change(2, `"action_id":"1"`, `"action_id":"0"`), "j.jsonl:3: outcome.action_id: must not be 0"},
		"no node":             {change(0, `"node":"1",`, ``), "j.jsonl:1: boot.node: must not be 0"},
		"mistakes in TOML":    {change(0, `[[daemon]]`, `[[demon]]`), "j.jsonl:1: the configuration has mistakes:\nboot.config_toml:5: demon: is not a section of meshos.toml"},
		"a signed commit":     {change(3, `"daemon_lifecycle":`, `"signed_commit":{"payload":"AAAA"}}}`+"\n"), "j.jsonl:4: "},
		"mistakes in reloads": {append(lines[:1:1], `{"index":"2","reload":{"config_toml":"[nod"}}`+"\n"), "j.jsonl:2: the configuration has mistakes:\nreload.config_toml:1: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := journal.NewReader("j.jsonl", strings.NewReader(strings.Join(c.lines, "")))
			_, err := drain(r)
			var damage *journal.DamageError
			if !errors.As(err, &damage) || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("error %v, want %s", err, c.want)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("asked again: %v", again)
			}
			if r.Warning() != "" {
				t.Errorf("warning %q beside the damage", r.Warning())
			}
		})
	}
}

func TestErrorsOfJSONAreSaidTheSameWayEachTime(t *testing.T) {
	_, err := drain(journal.NewReader("j", strings.NewReader(`{"index":"1","bot":{}}`+"\n")))
	if want := `j:1: column 14: unknown field "bot"`; err == nil || err.Error() != want {
		t.Fatalf("error %v, want %s", err, want)
	}
}

// endless is a line that never ends. It counts the bytes that were read of it.
type endless struct {
	chunk []byte
	read  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.chunk)
	e.read += n
	return n, nil
}

func TestALineThatNeverEndsIsGivenUp(t *testing.T) {
	src := &endless{chunk: bytes.Repeat([]byte("x"), 1<<20)}
	r := journal.NewReader("j", io.MultiReader(strings.NewReader(cut(story(t))[0]), src))
	r.LimitLine(1 << 20)
	_, err := drain(r)
	if err == nil || err.Error() != "j:2: the line is longer than 64 MiB" {
		t.Fatal(err)
	}
	if src.read > 2<<20 {
		t.Fatalf("read %d bytes", src.read)
	}
}

func TestALongLineIsRead(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	entries := text(t, journal.Entry{Boot: boot()}, heard(1, mesh.LogLine{Level: mesh.LevelInfo, Message: long}))
	if n, err := drain(journal.NewReader("j", strings.NewReader(entries))); n != 2 || err != nil {
		t.Fatal(n, err)
	}
}

func TestPartsAreReadFromTheOldestOn(t *testing.T) {
	lines := cut(story(t))
	dir := t.TempDir()
	writeFile(t, dir, "j.1", lines[0]+lines[1])
	writeFile(t, dir, "j.2", lines[2])
	path := writeFile(t, dir, "j", lines[3]+lines[4])
	r, err := journal.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if got := printed(t, journal.NewReplay(r)); got != replayed(t, story(t)) {
		t.Fatalf("got\n%s", got)
	}
}

func TestPartsThatDontFitAreDamage(t *testing.T) {
	lines := cut(story(t))
	for name, c := range map[string]struct {
		parts map[string]string
		open  string
		want  string
	}{
		"one is missing": {map[string]string{"j.1": lines[0], "j.3": lines[1], "j": lines[2]}, "j", "j:1: index 3 follows 1, and must be 2"},
		"the first is missing": {
			map[string]string{"j.2": lines[1], "j": lines[2]}, "j", "j:1: the journal begins with entry 3, not with boot",
		},
		"cut off before the last": {
			map[string]string{"j.1": lines[0] + lines[1][:20], "j": lines[2]}, "j", "j.1:2: the line is cut off, and ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.parts {
				writeFile(t, dir, file, text)
			}
			r, err := journal.Open(dir + "/" + c.open)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			if _, err = drain(r); err == nil || !strings.HasPrefix(err.Error(), dir+"/"+c.want) {
				t.Fatalf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestTheNewestPartMayBeMissing(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "j.1", story(t))
	r, err := journal.Open(dir + "/j")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if n, err := drain(r); n != 5 || err != nil {
		t.Fatal(n, err)
	}
}

func TestAFileThatIsNotThereIsAnError(t *testing.T) {
	if _, err := journal.Open(t.TempDir() + "/none"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Fatal(err)
	}
}

func TestBootIsUsedAsGiven(t *testing.T) {
	for name, text := range map[string]string{
		"another node":      "[node]\nid = 2\n",
		"nothing":           "",
		"no node":           "[loop]\nsettle = \"1s\"\n",
		"a node without id": " [ node ] # here\ncluster = \"x\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			j := fmt.Sprintf("{\"index\":1,\"boot\":{\"node\":5,\"epoch\":9,\"config_toml\":%q}}\n", text)
			p := journal.NewReplay(journal.NewReader("j", strings.NewReader(j)))
			if got := printed(t, p); !strings.HasPrefix(got, `{"snapshot":{"node":"5","epoch":"9",`) {
				t.Fatal(got)
			}
		})
	}
}

// The name of the machine that replays must not matter.
func TestANameThatIsLeftOutIsNotTheMachines(t *testing.T) {
	j := `{"index":1,"boot":{"node":1,"epoch":1}}` + "\n" +
		`{"index":2,"samples":{"probe":"p","inventory":[{"peer":1}]}}` + "\n"
	if got := replayed(t, j); strings.Contains(got, `"name"`) {
		t.Fatal(got)
	}
}

// Whatever bytes make a journal, reading and replaying it ends in a clear error or
// at its end, and what was read can be written and read again.
func FuzzReplay(f *testing.F) {
	f.Add(story(f))
	f.Add(story(f)[:200])
	for _, file := range []string{"every-input", "b03-queue-room", "reload"} {
		f.Add(string(readFile(f, "testdata/replay/"+file+".jsonl")))
	}
	f.Fuzz(func(t *testing.T, from string) {
		p := journal.NewReplay(journal.NewReader("j", strings.NewReader(from)))
		err := p.All(func(tick journal.Ticked) error {
			_, err := journal.TickLine(tick)
			return err
		})
		var damage *journal.DamageError
		if err != nil && (!errors.As(err, &damage) || damage.File == "" || damage.Problem == "") {
			t.Fatalf("error %#v names no place", err)
		}
		if s := p.Snapshot(); s != nil {
			if _, err := journal.SnapshotLine(s); err != nil {
				t.Fatal(err)
			}
		}
		r := journal.NewReader("j", strings.NewReader(from))
		for {
			e, err := r.Next()
			if err != nil {
				return
			}
			line, err := journal.Encode(e)
			if err != nil {
				t.Fatalf("entry %d can't be written again: %v", e.Index, err)
			}
			if e.Index > 1 {
				line = append([]byte(cut(story(t))[0]), line...) // behind some boot
			}
			if _, err := drain(journal.NewReader("j", strings.NewReader(string(line)))); err != nil && e.Index <= 2 {
				t.Fatalf("entry %d can't be read again: %v", e.Index, err)
			}
		}
	})
}
