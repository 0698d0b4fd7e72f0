package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// journaled runs a node whose standard error is what JOURNAL_STREAM names, as under systemd, and
// returns a function that returns what it wrote.
func journaled(t *testing.T, n *node, inode uint64) (said func() string) {
	t.Helper()
	path := filepath.Join(n.dir, "stderr")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	n.stderr = file
	n.env = []string{fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino+inode)}
	return func() string { return read(t, path) }
}

// The journal shows each line with its priority, in whichever format.
func TestTheJournalGetsThePriorityOfEachLine(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^<([3-7])>(\{.*"level":"([A-Z]+)"|\d\d:\d\d:\d\d\.\d{3} ([A-Z]+) |warning: |    |meshos: )`)
	priority := map[string]string{"DEBUG": "7", "INFO": "6", "WARN": "4", "ERROR": "3"}
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			n := withDaemons(t, "", "[operators]\nsigners = \"allowed_signers\"\n") // which names too few: a warning
			if err := os.WriteFile(filepath.Join(n.dir, "allowed_signers"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			said := journaled(t, n, 0)
			n.start("--log-format", format, "--log-level", "debug")
			n.until("the node to answer", func(*meshosv1.Snapshot) bool { return true })
			n.write(read(t, n.config) + "\n[nonsense]\n")
			n.hangUp()
			n.until("the file to be refused", func(s *meshosv1.Snapshot) bool { return failed(s, "reload", "") })
			n.end()
			seen := map[string]bool{}
			for _, l := range strings.Split(strings.TrimSpace(said()), "\n") {
				m := line.FindStringSubmatch(l)
				if m == nil {
					t.Errorf("no line for the journal: %s", l)
					continue
				}
				want := "4" // of the warnings of the configuration
				if level := m[3] + m[4]; level != "" {
					want = priority[level]
				}
				if m[1] != want {
					t.Errorf("priority %s, want %s: %s", m[1], want, l)
				}
				seen[m[1]] = true
			}
			if !seen["4"] || !seen["6"] {
				t.Errorf("only %v were seen", seen)
			}
		})
	}
}

func TestWhyANodeDoesNotStartIsAnErrorInTheJournal(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write("[node\n")
	said := journaled(t, n, 0)
	n.start()
	<-n.exited
	for _, l := range strings.Split(strings.TrimSpace(said()), "\n") {
		if !strings.HasPrefix(l, "<3>") {
			t.Errorf("no error of the journal: %s", l)
		}
	}
}

// JOURNAL_STREAM is inherited; where standard error is something else by now, nothing is
// written before the lines.
func TestAnotherStandardErrorGetsNoPriorities(t *testing.T) {
	t.Parallel()
	n := withDaemons(t, "")
	said := journaled(t, n, 1)
	n.start()
	n.until("the node to answer", func(*meshosv1.Snapshot) bool { return true })
	n.end()
	if out := said(); !strings.HasPrefix(out, "{") {
		t.Errorf("the log begins with %.80s", out)
	}
}
