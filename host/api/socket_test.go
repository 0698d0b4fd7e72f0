package api_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func dial(t *testing.T, path string, options ...grpc.DialOption) hostv1.HostClient {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+path, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return hostv1.NewHostClient(conn)
}

func TestTheSocketIsForThisUserOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "s")
	ln, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, error %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestASocketOfADeadNodeIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	ln, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
}

func TestASocketOfALivingNodeIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	living, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = living.Close() }()
	_, err = api.Listen(t.Context(), path)
	var busy *api.SocketBusyError
	if !errors.As(err, &busy) || busy.Path != path {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the living node lost its socket: %v", err)
	}
}

func TestAFileThatIsNotASocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Listen(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("error %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "precious" {
		t.Errorf("the file holds %q now", got)
	}
}

// Unused connections do not take slots that others need.
func TestAConnectionWithoutCallsIsClosedAndMadeAgainForTheNext(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := serveAt(t, n, func(o *api.Options) { o.IdleAfter = 500 * time.Millisecond })
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	client, ctx := hostv1.NewHostClient(conn), within(t)
	listening, leave := context.WithCancel(ctx)
	defer leave()
	watch, err := client.WatchSnapshots(listening, &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, time.Second) // longer than a connection may be idle
	defer cancel()
	if conn.WaitForStateChange(short, connectivity.Ready) {
		t.Fatal("it was closed while its client listened")
	}
	leave()
	if !conn.WaitForStateChange(ctx, connectivity.Ready) {
		t.Fatal("it stays open")
	}
	if _, err := client.GetSnapshot(ctx, &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("then it asks again: %v", err)
	}
}

func watchOften(o *api.Options) { o.WatchEvery = 5 * time.Millisecond }

func answers(t *testing.T, path string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := dial(t, path).GetSnapshot(ctx, &hostv1.GetSnapshotRequest{})
	return err == nil
}

func TestADeletedSocketComesBack(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := serveAt(t, n, watchOften)
	before := dial(t, path)
	if _, err := before.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Fatal(err)
	}
	for what, destroy := range map[string]func() error{
		"the file":   func() error { return os.Remove(path) },
		"the folder": func() error { return os.RemoveAll(filepath.Dir(path)) },
		"a socket that nobody listens on in its place": func() error {
			if err := os.Remove(path); err != nil {
				return err
			}
			dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
			if err != nil {
				return nil // the node was faster
			}
			dead.SetUnlinkOnClose(false)
			return dead.Close()
		},
	} {
		if err := destroy(); err != nil {
			t.Fatal(err)
		}
		testkit.Until(t, "the socket answers after "+what, func() bool { return answers(t, path) })
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := before.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
}

// A node never takes the socket of a living one, neither to make its own anew nor at its end.
func TestTheSocketOfAnotherNodeIsLeftAlone(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := filepath.Join(t.TempDir(), "s")
	first, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	reported := make(chan string, 100)
	service := api.NewService(api.Options{
		Reader: n, Intake: n, Plugins: n, WatchEvery: 5 * time.Millisecond,
		Report: func(_, reason string) { reported <- reason },
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	// The other one takes its place before the first one looks.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- service.Serve(ctx, first, nil) }()
	select {
	case reason := <-reported:
		if !strings.Contains(reason, "another node answers there") {
			t.Errorf("reported %q", reason)
		}
	case <-within(t).Done():
		t.Error("nothing was reported")
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = other.Close()
	testkit.Until(t, "the first one is back", func() bool { return answers(t, path) })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestASocketThatIsClosedLeavesTheFileOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	other, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	_ = first.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
