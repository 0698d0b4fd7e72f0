package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// serviceManager listens as systemd does, and keeps what it hears.
type serviceManager struct {
	socket string // for NOTIFY_SOCKET

	mu    sync.Mutex
	heard []string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m, done := &serviceManager{socket: path}, make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 64<<10); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, string(buf[:n]))
			m.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
		_ = os.RemoveAll(dir)
	})
	return m
}

// count returns how many messages begin with an assignment, and last the newest value of a
// variable.
func (m *serviceManager) count(assignment string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.heard {
		if strings.HasPrefix(message, assignment) {
			n++
		}
	}
	return n
}

func (m *serviceManager) last(variable string) (value string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range m.heard {
		for line := range strings.Lines(message) {
			if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), variable+"="); ok {
				value = rest
			}
		}
	}
	return value
}

func TestTheServiceManagerIsToldOfStatusReloadAndEnd(t *testing.T) {
	t.Parallel()
	m := newServiceManager(t)
	n := prepare(t)
	n.env = []string{"NOTIFY_SOCKET=" + m.socket}
	n.start()
	testkit.Until(t, "READY", func() bool { return m.count("READY=1\nSTATUS=") == 1 })
	n.until("a complete snapshot", complete)
	testkit.Until(t, "the sentence with which status begins", func() bool {
		out, _, _ := n.meshos("health")
		return m.last("STATUS") == strings.TrimSpace(out)
	})

	if err := n.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	testkit.Until(t, "a reload by signal", func() bool {
		return m.count("RELOADING=1\nMONOTONIC_USEC=") == 1 && m.count("READY=1\n") == 2
	})
	text, err := os.ReadFile(n.config)
	if err != nil {
		t.Fatal(err)
	}
	n.write(string(text) + "colour = \"red\"\n")
	if _, _, code := n.meshos("reload"); code != 1 {
		t.Errorf("a file with a mistake was taken over, exit %d", code)
	}
	testkit.Until(t, "a reload by command, and that it was rejected", func() bool {
		return m.count("RELOADING=1\n") == 2 && m.count("READY=1\n") == 3 && strings.HasPrefix(m.last("STATUS"), "The last reload was rejected")
	})
	n.end()
	testkit.Until(t, "STOPPING", func() bool { return m.count("STOPPING=1\n") == 1 })
}
