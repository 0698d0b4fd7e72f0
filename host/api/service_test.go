package api_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/api"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

func TestDescribePlugin(t *testing.T) {
	client := serve(t, newNode())
	got, err := client.DescribePlugin(within(t), &hostv1.PluginRequest{Name: "health-tcp"})
	if err != nil || got.GetPath() != "/bin/health-tcp" {
		t.Errorf("got %v, error %v", got, err)
	}
	if _, err := client.DescribePlugin(within(t), &hostv1.PluginRequest{Name: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("unknown: error %v", err)
	}
	if _, err := client.DescribePlugin(within(t), &hostv1.PluginRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("without a name: error %v", err)
	}
}

func TestWhatIsNotInThisVersionSaysSo(t *testing.T) {
	client := serve(t, newNode())
	ctx := within(t)
	var errs []error
	_, err := client.ReloadPlugin(ctx, &hostv1.PluginRequest{})
	errs = append(errs, err)
	_, err = client.EnablePlugin(ctx, &hostv1.PluginRequest{})
	errs = append(errs, err)
	_, err = client.DisablePlugin(ctx, &hostv1.PluginRequest{})
	errs = append(errs, err)
	for _, err := range errs {
		if status.Code(err) != codes.Unimplemented || !strings.HasSuffix(status.Convert(err).Message(), "is not in this version of meshos") {
			t.Errorf("error %v", err)
		}
	}
}

func TestAPanicIsTheErrorOfOneCall(t *testing.T) {
	n := newNode()
	client := serve(t, n)
	_, err := client.DescribePlugin(within(t), &hostv1.PluginRequest{Name: "boom"})
	if status.Code(err) != codes.Internal {
		t.Errorf("error %v", err)
	}
	if _, err := client.GetSnapshot(within(t), &hostv1.GetSnapshotRequest{}); err != nil {
		t.Errorf("the next call: %v", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.panicked) != 1 {
		t.Errorf("onPanic was called for %v", n.panicked)
	}
}

// A node that stops does not wait for those who watch.
func TestServeEndsStreamsAndRemovesItsSocket(t *testing.T) {
	n := newNode()
	path := t.TempDir() + "/s"
	ln, err := api.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	service := api.NewService(api.Options{Reader: n, Intake: n, Plugins: n})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Serve(ctx, ln, nil) }()
	client := dial(t, path)
	watch, err := client.WatchSnapshots(within(t), &hostv1.WatchSnapshotsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("the watch ends with %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
