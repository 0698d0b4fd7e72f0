package api_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/internal/testkit"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Whoever opens connections and says nothing keeps nobody out.
func TestIdleConnectionsDoNotLockOperatorsOut(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := serveAt(t, n)
	client := dial(t, path)
	if _, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	if _, err := dial(t, path).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("a new client: %v", err)
	}
	if _, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("a client from before, whose connection was idle as well: %v", err)
	}
}

func TestTooManyBusyConnectionsAreAnAnswer(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := serveAt(t, n)
	ctx, leave := context.WithCancel(within(t))
	defer leave()
	for i := 0; ; i++ {
		watch, err := dial(t, path).WatchSnapshots(ctx, &hostv1.WatchSnapshotsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = watch.Recv(); err == nil {
			if i > 1000 {
				t.Fatal("there is no bound")
			}
			continue
		}
		said := status.Convert(err)
		details := said.Details()
		if said.Code() != codes.ResourceExhausted || !strings.Contains(said.Message(), "too many connections: uid ") || len(details) != 1 ||
			details[0].(*errdetails.ErrorInfo).GetReason() != api.ReasonTooMany {
			t.Errorf("number %d: %v, %v", i, err, details)
		}
		break
	}
	leave()
	testkit.Until(t, "there is room again", func() bool {
		_, err := dial(t, path).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
		return err == nil
	})
}

// listener remembers who published.
type listener struct {
	*node
	mu     sync.Mutex
	caller api.Caller
}

func (l *listener) PublishBatch(ctx context.Context, events []mesh.Event) (mesh.Published, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caller, _ = api.CallerFrom(ctx)
	return mesh.Published{Taken: len(events)}, nil
}

func TestHandlersKnowWhoCalls(t *testing.T) {
	l := &listener{node: newNode()}
	path := serveAt(t, l.node, func(o *api.Options) { o.Intake = l })
	if _, err := dial(t, path).Publish(within(t), &hostv1.PublishRequest{Events: []*meshosv1.Event{rtt(2)}}); err != nil {
		t.Fatal(err)
	}
	want := api.Caller{UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), PID: os.Getpid()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.caller != want {
		t.Errorf("got %+v, want %+v", l.caller, want)
	}
}

func TestAProcessOfAPluginIsRefusedUnlessItIsAllowed(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	var mu sync.Mutex
	var reported []string
	allowed := false
	path := serveAt(t, n, func(o *api.Options) {
		o.Origin = func(pid int) (string, bool) {
			mu.Lock()
			defer mu.Unlock()
			if pid != os.Getpid() {
				return "", false
			}
			return "p", allowed
		}
		o.Report = func(source, reason string) {
			mu.Lock()
			defer mu.Unlock()
			reported = append(reported, source+": "+reason)
		}
	})
	for range 3 {
		_, err := dial(t, path).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
		if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "belongs to plugin p") || !strings.Contains(err.Error(), "api = true") {
			t.Errorf("got %v", err)
		}
	}
	mu.Lock()
	if len(reported) != 1 || !strings.Contains(reported[0], "api: a connection of plugin p was refused") {
		t.Errorf("reported %q", reported)
	}
	allowed = true
	mu.Unlock()
	if _, err := dial(t, path).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("with api = true: %v", err)
	}
}

// A process that connects, hands the connection on and ends would hide whose it was.
func TestAConnectionOfAProcessThatHasEndedIsRefused(t *testing.T) {
	n := newNode()
	n.Show(at(1))
	path := serveAt(t, n, func(o *api.Options) {
		o.Origin = func(pid int) (string, bool) {
			if pid == os.Getpid() {
				return "", true
			}
			testkit.Until(t, "the child has ended", func() bool { return testkit.State(pid) == 0 })
			return "", true
		}
	})
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), dialAndEnd+"="+path)
	near, far, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = near.Close() }()
	child.ExtraFiles = append(child.ExtraFiles, far)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_ = far.Close()
	conn, err := receiveConn(near)
	if err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	_, err = clientOn(t, conn).GetSnapshot(within(t), &hostv1.GetSnapshotRequest{})
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("got %v", err)
	}
}
