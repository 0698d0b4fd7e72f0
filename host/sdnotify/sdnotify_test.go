package sdnotify

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/testkit"
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
		New(slog.New(slog.DiscardHandler)).Run(ctx, Node{Stale: time.Hour, Status: func() string { return "All is\nwell" }, LastTick: func() time.Time {
			if at := last.Load(); at != nil {
				return *at
			}
			return time.Time{}
		}})
	}()
	if said := hears(t, conn, 300*time.Millisecond); said != "" {
		t.Errorf("heard %q before the first tick", said)
	}
	now := time.Now()
	last.Store(&now)
	for _, want := range []string{"READY=1\nSTATUS=All is well", "WATCHDOG=1", "WATCHDOG=1"} {
		if said := hears(t, conn, testkit.Patience); said != want {
			t.Fatalf("heard %q, want %q", said, want)
		}
	}
	old := now.Add(-time.Hour)
	last.Store(&old) // the loop stands still
	for n := 0; hears(t, conn, 500*time.Millisecond) != ""; n++ {
		if n > 1000 {
			t.Fatal("the watchdog is kept content, though the loop stands still")
		}
	}
	stop()
	<-watched
	if said := hears(t, conn, testkit.Patience); said != "STOPPING=1\nSTATUS=Ending" {
		t.Errorf("heard %q at the end", said)
	}
}

func TestTheServiceManagerHearsOfReloads(t *testing.T) {
	conn := manager(t)
	n := New(slog.New(slog.DiscardHandler))
	n.Reloading()
	n.Reloaded("too early to say ready")
	n.Reloaded("")
	n.becomeReady("All is well")
	before := monotonic(t)
	n.Reloading()
	n.Reloaded("The last reload was rejected.")
	n.say("All is well") // as before
	n.say("1 peer unreachable")
	n.Reloading()
	n.Reloaded("")
	after := monotonic(t)
	reloading := regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=Reading the configuration again$`)
	for _, want := range []string{
		"READY=1\nSTATUS=All is well",
		"",
		"READY=1\nSTATUS=The last reload was rejected. All is well",
		"STATUS=The last reload was rejected. 1 peer unreachable",
		"",
		"READY=1\nSTATUS=1 peer unreachable",
	} {
		said := hears(t, conn, testkit.Patience)
		if want != "" {
			if said != want {
				t.Errorf("heard %q, want %q", said, want)
			}
			continue
		}
		at := reloading.FindStringSubmatch(said)
		if at == nil {
			t.Fatalf("heard %q of a reload", said)
		}
		if usec, err := strconv.ParseInt(at[1], 10, 64); err != nil || usec < before || usec > after {
			t.Errorf("at %s µs, want between %d and %d", at[1], before, after)
		}
	}
}

// monotonic returns the clock that a service manager compares MONOTONIC_USEC with.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return now.Nano() / 1000
}

// A service manager that reads nothing must not hold up a reload.
func TestAServiceManagerThatDoesNotReadIsGivenUp(t *testing.T) {
	manager(t)
	var log bytes.Buffer
	n := New(slog.New(slog.NewTextHandler(&log, nil)))
	n.becomeReady("")
	for deadline := time.Now().Add(testkit.Patience); log.Len() == 0; {
		n.send("WATCHDOG=1")
		if time.Now().After(deadline) {
			t.Fatal("its socket never gets full")
		}
	}
	if !strings.Contains(log.String(), "timeout") {
		t.Errorf("logged: %s", &log)
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
