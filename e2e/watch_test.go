package e2e

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// watched is `meshos status -w` on a terminal.
type watched struct {
	person *os.File
	cmd    *exec.Cmd
	shown  *plugintest.Buffer
	before unix.Termios
	exited chan error
}

// watch starts it on a terminal of 80 columns and 12 rows.
func (n *node) watch(t *testing.T) *watched {
	t.Helper()
	person, program := testkit.Terminal(t)
	if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 80}); err != nil {
		t.Fatal(err)
	}
	w := &watched{person: person, shown: &plugintest.Buffer{}, exited: make(chan error, 1), before: modes(t, program)}
	w.cmd = n.command(context.Background(), "status", "-w", "--all")
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = program, program, program
	w.cmd.Env = append(w.cmd.Env, "TERM=xterm-256color")
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.exited <- w.cmd.Wait() }()
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := person.Read(buffer)
			_, _ = w.shown.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = program.Close()
		_ = person.Close()
		reading.Wait()
	})
	testkit.Until(t, "the page", func() bool { return strings.Contains(w.shown.String(), "quit") })
	return w
}

func modes(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

func (w *watched) wantEnd(t *testing.T) {
	t.Helper()
	select {
	case err := <-w.exited:
		if err != nil {
			t.Errorf("it ended with %v: %q", err, w.shown.String())
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	testkit.Until(t, "the screen of before", func() bool {
		shown := w.shown.String()
		return strings.LastIndex(shown, "\x1b[?1049l") > strings.LastIndex(shown, "\x1b[?1049h")
	})
	if got := modes(t, w.person); got != w.before {
		t.Errorf("the terminal is left as %+v, was %+v", got, w.before)
	}
}

// A page that is watched is scrolled, searched and quit by keys, and leaves the terminal as
// it was, also if it is ended by a signal.
func TestStatusWatchedOnATerminal(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	info := n.until("a tick", func(s *meshosv1.Snapshot) bool { return s.GetTick() > 0 }).GetInfo()
	if own := info.GetVersion(); own == "" || !strings.Contains(n.must("version"), own) || info.GetUptime().AsDuration() <= 0 || !info.GetUnsignedAccepted() {
		t.Errorf("the node says of itself %v", info)
	}
	w := n.watch(t)
	for _, c := range []struct{ keys, shown string }{
		{"G", "lines "}, {"/PLUGINS\r", "PLUGINS"}, {"/no-such-thing\r", "not found: no-such-thing"},
	} {
		if _, err := w.person.WriteString(c.keys); err != nil {
			t.Fatal(err)
		}
		testkit.Until(t, c.shown, func() bool { return strings.Contains(w.shown.String(), c.shown) })
	}
	if _, err := w.person.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	w.wantEnd(t)

	w = n.watch(t)
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.wantEnd(t)
}
