package config

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// every calls visit with the header of each table that a file may have, and
// with its settings as they are by default.
func every(visit func(header string, settings []setting)) {
	c := Default()
	c.Peers, c.Chains = []Peer{{}}, []Chain{{}}
	c.Daemons, c.Plugins = []Daemon{defaultDaemon()}, []Plugin{defaultPlugin()}
	for _, s := range c.sections() {
		if s.single != nil {
			visit("["+s.name+"]", s.single)
			continue
		}
		visit("[["+s.name+"]]", s.item(0))
		for _, below := range s.item(0) {
			if below.section != nil {
				visit("["+s.name+"."+below.key+"]", below.section())
			}
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryKeyIsDocumentedWithItsDefault(t *testing.T) {
	docs := readFile(t, "../../docs/configuration.md")
	every(func(header string, settings []setting) {
		_, rest, found := strings.Cut(docs, "# `"+header+"`\n")
		if !found {
			t.Errorf("docs/configuration.md has no heading for %s", header)
			return
		}
		table, _, _ := strings.Cut(rest, "\n#")
		rows := regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\|").FindAllStringSubmatch(table, -1)
		var documented []string
		for _, row := range rows {
			documented = append(documented, row[1])
		}
		if diff := cmp.Diff(keysOf(settings), documented); diff != "" {
			t.Errorf("%s: keys differ (-code +docs):\n%s", header, diff)
		}
		for _, s := range settings {
			if s.need || s.section != nil || s.text() == "" || header+s.key == "[node]name" {
				continue
			}
			row := regexp.MustCompile("(?m)^\\| `" + s.key + "` \\|[^|]*\\| (.*?) \\|").FindStringSubmatch(table)
			if row == nil || sameDuration(row[1]) != "`"+s.text()+"`" {
				t.Errorf("%s %s: the default is %s, documented as %q", header, s.key, s.text(), row)
			}
		}
	})
}

// sameDuration lets the page say "60s" where the code says "1m".
func sameDuration(s string) string { return strings.ReplaceAll(s, `"60s"`, `"1m"`) }

func TestEveryKeyIsInTheShippedFile(t *testing.T) {
	shipped := readFile(t, "../../meshos.toml")
	every(func(header string, settings []setting) {
		if strings.Contains(header, ".") {
			if !strings.Contains(shipped, header) {
				t.Errorf("meshos.toml does not mention %s", header)
			}
			return
		}
		section := sectionsOf(shipped, header)
		for _, s := range settings {
			if !regexp.MustCompile(`(?m)^[ #]*` + s.key + `\b|\.` + s.key + `]`).MatchString(section) {
				t.Errorf("meshos.toml does not show %s %s", header, s.key)
			}
		}
	})
}

// sectionsOf returns everything below a header, each time that it appears, also in comments.
func sectionsOf(file, header string) string {
	var below strings.Builder
	inside := false
	anyHeader := regexp.MustCompile(`^[# ]*(\[\[?[a-z.]+\]\]?)$`)
	for _, line := range strings.Split(file, "\n") {
		if found := anyHeader.FindStringSubmatch(line); found != nil {
			inside = found[1] == header
		}
		if inside {
			below.WriteString(line + "\n")
		}
	}
	return below.String()
}

// The defaults in the comments are what the code does without them.
func TestTheCommentedDefaultsOfTheShippedFileAreTrue(t *testing.T) {
	shipped := readFile(t, "../../meshos.toml")
	commented := regexp.MustCompile(`(?m)^#([a-z0-9_]+ =)`)
	if n := len(commented.FindAllString(shipped, -1)); n < 50 {
		t.Errorf("only %d defaults are in comments", n)
	}
	as, err := Parse("meshos.toml", shipped)
	if err != nil {
		t.Fatal(err)
	}
	spelledOut, err := Parse("meshos.toml", commented.ReplaceAllString(shipped, "$1"))
	if err != nil {
		t.Fatalf("with the comments taken away:\n%v", err)
	}
	if diff := cmp.Diff(as.Effective(), spelledOut.Effective()); diff != "" {
		t.Errorf("a commented default is not the default (-without +with):\n%s", diff)
	}
}

func TestTheShippedFileHasNothingToWarnOf(t *testing.T) {
	c, err := Parse("meshos.toml", readFile(t, "../../meshos.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	if len(c.Peers) < 3 || len(c.Daemons) != 1 || len(c.Plugins) != 7 {
		t.Errorf("%d peers, %d daemons, %d plugins", len(c.Peers), len(c.Daemons), len(c.Plugins))
	}
}
