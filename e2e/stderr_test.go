package e2e

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// logPipe returns the ends of a pipe, of which the node gets the one to write to.
func logPipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = reader.Close(), writer.Close() })
	return reader, writer
}

// addsDaemon has the node read a configuration with one more daemon, until it knows it.
func (n *node) addsDaemon(id uint64) {
	n.t.Helper()
	text := read(n.t, n.config)
	n.write(text + fmt.Sprintf("\n[[daemon]]\nid = %d\nname = \"added\"\ncommand = [\"/bin/sleep\", \"600\"]\n", id))
	n.hangUp()
	n.until(fmt.Sprintf("daemon %d", id), func(s *meshosv1.Snapshot) bool { return daemonOf(s, id) != nil })
}

// wantsOrderlyEnd ends the node and wants the exit code of an orderly end.
func (n *node) wantsOrderlyEnd() {
	n.t.Helper()
	n.end()
	if code := n.cmd.ProcessState.ExitCode(); code != 0 {
		n.t.Errorf("the node ended with %v", n.cmd.ProcessState)
	}
}

func TestANodeOutlivesWhoReadsItsLog(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	reader, writer := logPipe(t)
	n.stderr = writer
	n.start("--log-level", "debug")
	_ = writer.Close()
	n.until("a complete snapshot", complete)
	_ = reader.Close()
	n.addsDaemon(71)
	n.addsDaemon(72)
	lost := 0.0
	testkit.Until(t, "lost lines to be counted", func() bool {
		_, page := get(t, "http://"+n.listen+"/metrics")
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "meshos_log_lines_lost_total") {
				_, _ = fmt.Sscanf(line[strings.Index(line, " "):], "%g", &lost)
			}
		}
		return lost > 0
	})
	n.wantsOrderlyEnd()
}

func TestANodeDoesNotWaitForWhoReadsItsLog(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	reader, writer := logPipe(t)
	fd := int(writer.Fd()) // from now on it blocks
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for full := false; !full; { // to the last byte
		_, err := syscall.Write(fd, []byte{'\n'})
		full = errors.Is(err, syscall.EAGAIN)
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	n.stderr = writer
	n.start("--log-level", "debug")
	_ = writer.Close()
	n.until("a complete snapshot", complete)
	n.addsDaemon(71)
	n.wantsOrderlyEnd()
	if late, _ := io.ReadAll(reader); strings.TrimSpace(string(late)) != "" {
		t.Logf("what was read after the end: %s", late)
	}
}

// A follower that has nothing to print would not notice otherwise.
func TestAFollowerEndsQuietlyWhenNobodyReadsIt(t *testing.T) {
	t.Parallel()
	n := prepare(t).start()
	n.until("a complete snapshot", complete)
	for _, args := range [][]string{{"logs", "-f", "-n", "1"}, {"status", "-w"}, {"audit", "tail", "-f"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			reader, writer := logPipe(t)
			var errs strings.Builder
			cmd := n.command(t.Context(), args...)
			cmd.Stdout, cmd.Stderr = writer, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_ = writer.Close()
			if args[0] != "audit" { // which has nothing to print
				if _, err := reader.Read(make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			}
			_ = reader.Close()
			late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			_ = cmd.Wait()
			status := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if quiet := status.ExitStatus() == 0 || status.Signaled() && status.Signal() == syscall.SIGPIPE; !quiet || errs.Len() > 0 {
				t.Errorf("it ended with %v: %s", cmd.ProcessState, errs.String())
			}
		})
	}
}
