package health

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func once(t *testing.T, p Probe, timeout time.Duration) Answer {
	t.Helper()
	return ask(t.Context(), p, timeout)
}

func TestTCP(t *testing.T) {
	target := testkit.Accepting(t)
	if got := once(t, TCP(target), testkit.Patience); got != (Answer{}) {
		t.Errorf("an open port gave %+v", got)
	}
	target = testkit.FreeAddress(t)
	if got, want := once(t, TCP(target), testkit.Patience), (Answer{Failure: "connect to " + target + ": connection refused"}); got != want {
		t.Errorf("a closed port gave %+v, want %+v", got, want)
	}
}

func TestHTTP(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if level := r.URL.Query().Get("level"); level != "" {
			w.Header().Set("Meshos-Saturation", level)
		}
		switch r.URL.Path {
		case "/hang":
			<-release
		case "/moved":
			http.Redirect(w, r, "/503", http.StatusFound)
		default:
			code, _ := strconv.Atoi(r.URL.Path[1:])
			w.WriteHeader(code)
		}
	}))
	defer server.Close()
	defer close(release)
	for path, want := range map[string]Answer{
		"/200":            {},
		"/204?level=0.7":  {Saturation: 0.7, HasSaturation: true},
		"/200?level=1.5":  {Saturation: 1, HasSaturation: true},
		"/200?level=NaN":  {},
		"/200?level=busy": {},
		"/moved":          {},
		"/404":            {Failure: "GET " + server.URL + "/404 answered 404 Not Found"},
		"/503?level=1":    {Failure: "GET " + server.URL + "/503?level=1 answered 503 Service Unavailable", Saturation: 1, HasSaturation: true},
	} {
		if got := once(t, HTTP(server.URL+path), testkit.Patience); got != want {
			t.Errorf("%s gave %+v, want %+v", path, got, want)
		}
	}
	if got := once(t, HTTP(server.URL+"/hang"), 50*time.Millisecond); got.Failure != "no answer within 50ms" {
		t.Errorf("a server that hangs gave %+v", got)
	}
}

// program returns what always answers with the same program.
func program(spec process.Spec) func(context.Context) (process.Spec, error) {
	return func(context.Context) (process.Spec, error) { return spec, nil }
}

func TestExec(t *testing.T) {
	spawner := process.NewSpawner()
	defer spawner.Close()
	sh := func(script string) Probe {
		return Exec(spawner, program(process.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}))
	}
	for script, want := range map[string]Answer{
		"exit 0":                                    {},
		"echo queue 3; echo saturation=0.7":         {Saturation: 0.7, HasSaturation: true},
		"echo saturation=0.7; echo done":            {},
		"echo saturation=2; exit 1":                 {Failure: "exit status 1", Saturation: 1, HasSaturation: true},
		"echo fine; exit 2":                         {Failure: "exit status 2: fine"},
		"echo fine; echo 'no table' >&2; exit 2":    {Failure: "exit status 2: no table"},
		"kill -SEGV $$":                             {Failure: "signal: segmentation fault"},
		"head -c 3000000 /dev/zero; echo x; exit 0": {},
	} {
		if got := once(t, sh(script), testkit.Patience); got != want {
			t.Errorf("%s gave %+v, want %+v", script, got, want)
		}
	}
	if got := once(t, Exec(spawner, program(process.Spec{Path: "/no/such/check"})), time.Second); got.Impossible != "/no/such/check: no such file; install it, or correct the command of the check" {
		t.Errorf("no program gave %+v", got)
	}
}

func TestAProgramThatHangsIsKilledWithItsChildren(t *testing.T) {
	spawner := process.NewSpawner()
	defer spawner.Close()
	mark := filepath.Join(t.TempDir(), "pid")
	probe := Exec(spawner, program(process.Spec{
		Path: "/bin/sh", Args: []string{"-c", "trap '' TERM; sleep 1000 & echo $! > " + mark + ".new; mv " + mark + ".new " + mark + "; wait"},
		Env: []string{"PATH=/usr/bin:/bin"},
	}))
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	var text []byte
	var looking sync.WaitGroup
	looking.Go(func() {
		defer cancel()
		for err := error(os.ErrNotExist); err != nil && ctx.Err() == nil; {
			text, err = os.ReadFile(mark)
		}
	})
	probe.Ask(ctx)
	looking.Wait()
	if len(text) == 0 {
		t.Fatal("the program did not begin")
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	testkit.Until(t, "the end of its process", func() bool { return testkit.Ended(pid) })
}

func TestWhatACheckLeavesIsKilledWhenItEnds(t *testing.T) {
	spawner, err := process.NewWatched(process.WatchOptions{
		Record: filepath.Join(t.TempDir(), "processes.json"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer spawner.Close()
	mark := filepath.Join(t.TempDir(), "pid")
	probe := Exec(spawner, program(process.Spec{
		Path: "/bin/sh", Args: []string{"-c", "(setsid sh -c 'echo $$ >" + mark + ".new; mv " + mark + ".new " + mark + "; exec sleep 1000' >/dev/null 2>&1 &); while [ ! -e " + mark + " ]; do sleep 0.01; done"},
		Env: []string{"PATH=/usr/bin:/bin"},
	}))
	if got := once(t, probe, testkit.Patience); got != (Answer{}) {
		t.Fatalf("the check gave %+v", got)
	}
	text, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	testkit.Until(t, "the end of its child", func() bool { return testkit.Ended(pid) })
}
