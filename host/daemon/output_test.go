package daemon_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/daemon"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
)

// linesOf counts what daemons printed; it is called with the loop's lock held.
func linesOf(l *loop) (out []string) {
	for _, ev := range l.events {
		if line, ok := ev.(mesh.LogLine); ok && !strings.HasPrefix(line.Message, "meshos: ") {
			out = append(out, line.Message)
		}
	}
	return out
}

// crashes counts; it is called with the loop's lock held.
func crashes(l *loop) (n int) {
	for _, ev := range l.events {
		if _, ok := ev.(mesh.DaemonCrashed); ok {
			n++
		}
	}
	return n
}

func TestLinesCarryIdAndLevel(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "echo out; echo err >&2; printf '\\377\\n'; printf unfinished"), sh(8, "echo other"))
	n.start(7)
	n.start(8)
	n.wait(t, "7 exited")
	n.wait(t, "8 exited")
	for _, want := range []string{"7 3> out", "7 4> err", "7 3> \uFFFD", "7 3> unfinished", "8 3> other"} {
		n.wait(t, want)
	}
	n.wait(t, "7 3> meshos: started as process *")
	n.wait(t, "7 3> meshos: ended: exit status 0")
}

func TestLineOfTenMegabytesIsCut(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo after"))
	n.start(7)
	n.wait(t, "7 exited")
	lines := n.lines(7)
	if len(lines) != 2 || lines[1].Message != "after" {
		t.Fatalf("%d lines came", len(lines))
	}
	if want := strings.Repeat("x", 8192) + " … (cut at 8192 bytes)"; lines[0].Message != want {
		t.Errorf("the long line came as %d bytes: … %q", len(lines[0].Message), lines[0].Message[max(0, len(lines[0].Message)-40):])
	}
}

func TestFloodIsCutAndReported(t *testing.T) {
	t.Parallel()
	n := startNode(t, sh(7, "seq 20000; echo 'the reason' >&2; exit 1"))
	n.start(7)
	n.wait(t, "7 crashed: exit status 1: the reason") // the reason is kept although its line is not
	lines, suppressed := len(n.lines(7)), n.Suppressed()
	if uint64(lines)+suppressed != 20001 || lines > 2000 {
		t.Errorf("%d lines came and %d were suppressed, want 500 and 19501", lines, suppressed)
	}
	n.wait(t, "7 4> meshos: 1*") // 19501 lines suppressed
}

func TestLoopThatIsBehindBlocksNoDaemon(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	n := startNode(t, daemon.Spec{
		Daemon: ref(7), Env: map[string]string{"MARK": mark},
		Command: []string{"sh", "-c", "seq 400; head -c 5000000 /dev/zero; echo done > \"$MARK\"; exit 3"},
	})
	n.set(func(l *loop) { l.full = true })
	n.start(7)
	testkit.Until(t, "the end of its output", func() bool { return exists(mark) })
	n.set(func(l *loop) { l.full = false })
	// Nothing is lost: what the loop had no room for waits in the daemon's files.
	n.wait(t, "7 crashed: exit status 3*")
	if got := n.life(); len(got) != 2 || got[0] != "7 started" {
		t.Errorf("there came %q", got)
	}
	lines := n.lines(7)
	if len(lines) != 401 || lines[399].Message != "400" {
		t.Errorf("%d lines came, want 400 numbers and one long line", len(lines))
	}
}
