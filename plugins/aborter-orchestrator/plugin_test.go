package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestPluginListsAndAborts(t *testing.T) {
	s := serve(t, plain)
	var mu sync.Mutex
	gone := false
	s.list = func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if gone {
			says(200, `{"in_flight":[]}`)(w, r)
			return
		}
		says(200, `{"in_flight":[`+good+`]}`)(w, r)
	}
	s.abort = func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		gone = true
	}
	hour := config{URL: s.URL + "/base", Interval: pluginsdk.Duration(time.Hour), StaleAfter: pluginsdk.Duration(2 * time.Hour)}
	c := plugintest.Start(t, construct, hour)
	testkit.Until(t, "the first list", func() bool {
		list, err := c.ListMigrations()
		return err == nil && len(list) == 1 && list[0].GetMigration() == 7
	})
	if err := c.Abort(7, "test"); err != nil {
		t.Fatal(err)
	}
	// An abort is seen at once, not at the next interval.
	testkit.Until(t, "the list after the abort", func() bool {
		list, err := c.ListMigrations()
		return err == nil && len(list) == 0
	})
}

func TestPluginPassesCodesOn(t *testing.T) {
	s := serve(t, plain)
	c := plugintest.Start(t, construct, config{URL: s.URL + "/base"})
	testkit.Until(t, "the first list", func() bool { _, err := c.ListMigrations(); return err == nil })
	for answer, want := range map[int]codes.Code{
		404: codes.NotFound, 409: codes.FailedPrecondition, 500: codes.Unavailable, 503: codes.Unavailable, 401: codes.Unknown,
	} {
		s.abort = says(answer, `{"error":"because"}`)
		err := c.Abort(7, "test")
		if status.Code(err) != want || !strings.Contains(err.Error(), "because") {
			t.Errorf("%d: error %v, want %v", answer, err, want)
		}
	}
}

func TestPluginWithoutOrchestrator(t *testing.T) {
	c := plugintest.Serve(t, construct)
	warnings, err := c.Warnings(map[string]any{})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "no orchestrator is configured") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
	if list, err := c.ListMigrations(); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v", list, err)
	}
	if err := c.Abort(7, "test"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("abort: %v, want FAILED_PRECONDITION", err)
	}
}

// The plugin is ready although nobody listens. Its error says why there is no list, and
// its log says so once.
func TestPluginWhoseOrchestratorIsAway(t *testing.T) {
	var log plugintest.Buffer
	c := plugintest.Start(t, construct, config{
		URL: "http://127.0.0.1:1", Interval: pluginsdk.Duration(10 * time.Millisecond),
	}, plugintest.WithLogs(&log))
	testkit.Until(t, "the reason", func() bool {
		_, err := c.ListMigrations()
		return status.Code(err) == codes.Unavailable && strings.Contains(err.Error(), "GET http://127.0.0.1:1/v1/migrations: no connection")
	})
	if n := strings.Count(log.String(), "can't be fetched"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, log.String())
	}
}

// A host that waits less than timeout still learns what happened.
func TestPluginAnswersBeforeItsCallerGivesUp(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	s.abort = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	c := plugintest.Start(t, construct, config{URL: s.URL + "/base", Timeout: pluginsdk.Duration(time.Minute)}, plugintest.WithTimeout(4*time.Second))
	err := c.Abort(7, "test")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "may or may not be aborted") {
		t.Errorf("error %v, want UNAVAILABLE with what is known", err)
	}
}
