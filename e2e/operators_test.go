package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Types every console block of docs/operators.md at a terminal, in order, and compares the
// output. The node has the page's [operators] section.
func TestTheOperatorsPageMatchesTheProgram(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"ssh-keygen", "ssh-agent", "ssh-add"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("this test needs OpenSSH's client programs: %v", err)
		}
	}
	page, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	n := prepare(t)
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```(console|toml)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		if block[1] == "toml" {
			text, err := os.ReadFile(n.config)
			if err != nil {
				t.Fatal(err)
			}
			// In the shipped file the section has only comments.
			n.write(strings.Replace(string(text), "[operators]\n", block[2], 1))
			n.start()
			n.until("a running daemon", func(s *meshosv1.Snapshot) bool {
				return len(s.GetDaemons()) > 0 && s.GetDaemons()[0].GetLifecycle() == meshosv1.DaemonView_LIFECYCLE_RUNNING
			})
			continue
		}
		for _, typed := range typedIn(block[2]) {
			ran++
			typed.run(t, n)
		}
	}
	if ran < 15 {
		t.Errorf("only %d commands were found on the page", ran)
	}
}

// typedCommand is one command of the page, with the output that the page shows.
type typedCommand struct {
	who, line string
	want      []string
}

func typedIn(block string) []typedCommand {
	var out []typedCommand
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		if found := regexp.MustCompile(`^([a-z]+)\$ (.*)$`).FindStringSubmatch(line); found != nil {
			out = append(out, typedCommand{who: found[1], line: found[2]})
		} else if len(out) > 0 {
			last := &out[len(out)-1]
			last.want = append(last.want, line)
		}
	}
	return out
}

var (
	asksPassphrase = regexp.MustCompile(`(?i)passphrase[^\n]*: ?$`)
	asksOnPage     = regexp.MustCompile(`(?:Type \S+ to \w+ it: |\[y/N\] )$`)
)

// run runs the command, gives the page's answers, and compares the output.
func (c typedCommand) run(t *testing.T, n *node) {
	t.Helper()
	person, program := testkit.Terminal(t)
	// Variables that a command exports, as that of ssh-agent does, are kept for the operator's
	// next command.
	env := filepath.Join(n.dir, c.who+".env")
	script := fmt.Sprintf("[ ! -f %[1]s ] || . %[1]s; %[2]s\nrc=$?; export -p > %[1]s; exit $rc", env, c.line)
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = n.dir
	cmd.Env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + n.dir, "MESHOS_CONFIG=" + n.config, "NO_COLOR=1", "TERM=dumb", "LC_ALL=C.UTF-8",
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	shown, answered := "", 0
	answers := c.answers()
	for buf := make([]byte, 4096); ; {
		got, err := person.Read(buf)
		shown += strings.ReplaceAll(string(buf[:got]), "\r\n", "\n")
		if err != nil {
			break // the terminal's other end is closed
		}
		fresh := shown[answered:]
		switch {
		case asksPassphrase.MatchString(fresh):
			_, _ = person.WriteString("a long passphrase\n")
			answered = len(shown)
		case asksOnPage.MatchString(fresh) && len(answers) > 0:
			_, _ = person.WriteString(answers[0] + "\n")
			answers = answers[1:]
			answered = len(shown)
		}
	}
	_ = cmd.Wait()
	c.stopAgent(t, env)
	c.compare(t, shown)
}

// answers returns what the page types when it is asked.
func (c typedCommand) answers() []string {
	var out []string
	for _, line := range c.want {
		if found := regexp.MustCompile(`^(?:Type \S+ to \w+ it: |.*\[y/N\] )(.+)$`).FindStringSubmatch(line); found != nil {
			out = append(out, found[1])
		}
	}
	return out
}

// compare fails the test unless the output has the page's lines, in their order.
func (c typedCommand) compare(t *testing.T, shown string) {
	t.Helper()
	ansi := regexp.MustCompile(`\x1b\[[?0-9;]*[A-Za-z]`)
	lines := strings.Split(ansi.ReplaceAllString(shown, ""), "\n")
	at := 0
	for _, want := range c.want {
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*") + `\s*$`)
		for at < len(lines) && !pattern.MatchString(lines[at]) {
			at++
		}
		if at == len(lines) {
			t.Fatalf("%s$ %s\ndoes not show this line in its place: %s\nbut:\n%s", c.who, c.line, want, shown)
		}
		at++
	}
}

// stopAgent makes an ssh-agent that the page starts end with the test.
func (c typedCommand) stopAgent(t *testing.T, env string) {
	t.Helper()
	if !strings.Contains(c.line, "ssh-agent") {
		return
	}
	t.Cleanup(func() {
		if out, err := exec.Command("bash", "-c", ". "+env+" && ssh-agent -k").CombinedOutput(); err != nil {
			t.Errorf("end the ssh-agent: %v: %s", err, out)
		}
	})
}
