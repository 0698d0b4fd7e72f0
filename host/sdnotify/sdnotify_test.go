package sdnotify

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// manager opens a service manager's socket.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

// hears reads what is sent next; it returns "" when nothing comes within the time.
func hears(t *testing.T, conn *net.UnixConn, within time.Duration) string {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 256)
	n, err := conn.Read(said)
	if err != nil {
		return ""
	}
	return string(said[:n])
}

func TestTheServiceManagerHearsOfTheFirstTickOfFreshOnesAndOfTheEnd(t *testing.T) {
	conn := manager(t)
	t.Setenv("WATCHDOG_USEC", strconv.Itoa(30_000))
	t.Setenv("WATCHDOG_PID", "")
	var last atomic.Pointer[time.Time]
	ctx, stop := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		New(slog.New(slog.DiscardHandler)).Run(ctx, func() time.Time {
			if at := last.Load(); at != nil {
				return *at
			}
			return time.Time{}
		}, time.Hour)
	}()
	if said := hears(t, conn, 300*time.Millisecond); said != "" {
		t.Errorf("heard %q before the first tick", said)
	}
	now := time.Now()
	last.Store(&now)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if said := hears(t, conn, 10*time.Second); said != want {
			t.Fatalf("heard %q, want %q", said, want)
		}
	}
	old := now.Add(-time.Hour)
	last.Store(&old) // the loop stands still
	for hears(t, conn, 500*time.Millisecond) != "" {
		if time.Since(now) > 10*time.Second {
			t.Fatal("the watchdog is kept content, though the loop stands still")
		}
	}
	stop()
	<-watched
	if said := hears(t, conn, 10*time.Second); said != "STOPPING=1" {
		t.Errorf("heard %q at the end", said)
	}
}

func TestAServiceManagerThatIsGoneIsLoggedOnce(t *testing.T) {
	conn := manager(t)
	var log bytes.Buffer
	n := New(slog.New(slog.NewTextHandler(&log, nil)))
	_ = conn.Close()
	for range 3 {
		n.send("WATCHDOG=1")
	}
	if logged := strings.Count(log.String(), "not notified"); logged != 1 {
		t.Errorf("logged %d times:\n%s", logged, &log)
	}
}
