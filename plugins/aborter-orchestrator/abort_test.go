package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
)

func TestAbortSendsReasonAndKey(t *testing.T) {
	s := serve(t, plain)
	o := build(t, s.URL+"/base/")
	if err := o.Abort(t.Context(), 18446744073709551615, `killed by "ops"`); err != nil {
		t.Fatal(err)
	}
	got := s.seen()[0]
	if got.path != "/base/v1/migrations/18446744073709551615/abort" || got.reason != `killed by "ops"` || len(got.key) < 20 {
		t.Errorf("the orchestrator saw %+v", got)
	}
}

func TestAnswersBecomeErrorsTheHostUnderstands(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		code   codes.Code
		text   string
	}{
		{"200", says(200, `{}`), codes.OK, ""},
		{"202", says(202, ""), codes.OK, ""},
		{"204", says(204, ""), codes.OK, ""},
		{"400", says(400, `{"error":"no reason"}`), codes.Unknown, "400 Bad Request: no reason"},
		{"401", says(401, `{"error":"token expired"}`), codes.Unknown, "token expired: check that the token in token_file"},
		{"403", says(403, ``), codes.Unknown, "403 Forbidden: check that the token in token_file"},
		{"404", says(404, `{"error":"no such migration"}`), codes.NotFound, "404 Not Found: no such migration"},
		{"409", says(409, `{"error":"cut over already"}`), codes.FailedPrecondition, "409 Conflict: cut over already"},
		{"418", says(418, ``), codes.Unknown, "418 I'm a teapot, which the API does not use"},
		{"429", says(429, ``), codes.Unavailable, "429 Too Many Requests"},
		{"500 with a page", says(500, "<h1>oops\x1b[31m</h1>\n\n"), codes.Unavailable, "500 Internal Server Error: <h1>oops[31m</h1>"},
		{"503 without a time", says(503, ``), codes.Unavailable, "503 Service Unavailable"},
		{"a redirect", says(307, ``, "Location", "https://elsewhere.example/"), codes.Unknown, `"https://elsewhere.example/": redirects are not followed`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, plain)
			s.abort = c.answer
			err := build(t, s.URL+"/base").Abort(t.Context(), 7, "test")
			if status.Code(err) != c.code {
				t.Errorf("error %v (%v), want %v", err, status.Code(err), c.code)
			}
			if err != nil && (!strings.Contains(err.Error(), c.text) ||
				!strings.HasPrefix(err.Error(), "abort of migration 7: POST http://127.0.0.1")) {
				t.Errorf("error %q, want one that names what was asked and says %q", err, c.text)
			}
			if len(s.seen()) != 1 {
				t.Errorf("asked %d times, want once", len(s.seen()))
			}
		})
	}
}

// The status says what an orchestrator has done or refused. A body that is too large, or
// never ends, does not change that.
func TestTheStatusIsTheAnswerToAnAbort(t *testing.T) {
	t.Parallel()
	stalls := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("and"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		code   codes.Code
	}{
		{"200, large", says(200, strings.Repeat("x", 5<<20)), codes.OK},
		{"200, stalling", stalls(200), codes.OK},
		{"404, large", says(404, strings.Repeat("x", 5<<20)), codes.NotFound},
		{"409, stalling", stalls(409), codes.FailedPrecondition},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, plain)
			s.abort = c.answer
			o := build(t, s.URL+"/base", func(c *config) { c.Timeout = pluginsdk.Duration(3 * time.Second) })
			if err := o.Abort(t.Context(), 7, "test"); status.Code(err) != c.code {
				t.Errorf("error %v, want %v", err, c.code)
			}
		})
	}
}

// After a 503 with a Retry-After the abort is tried again with the same key.
func TestAbortIsTriedAgainWhenAskedTo(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	s.abort = func(w http.ResponseWriter, r *http.Request) {
		if len(s.seen()) == 1 {
			says(503, ``, "Retry-After", "1")(w, r)
		}
	}
	if err := build(t, s.URL+"/base").Abort(t.Context(), 7, "test"); err != nil {
		t.Fatal(err)
	}
	if len(s.seen()) != 2 || s.seen()[0] != s.seen()[1] {
		t.Errorf("the orchestrator saw %+v, want the same twice", s.seen())
	}
}

func TestAbortDoesNotWaitLongerThanItsCaller(t *testing.T) {
	s := serve(t, plain)
	s.abort = says(503, ``, "Retry-After", "7200")
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	err := build(t, s.URL+"/base").Abort(ctx, 7, "test")
	if status.Code(err) != codes.Unavailable || len(s.seen()) != 1 {
		t.Errorf("error %v after %d requests, want UNAVAILABLE at once", err, len(s.seen()))
	}
	if d := status.Convert(err).Details(); len(d) != 1 {
		t.Errorf("details %v, want when to come back", d)
	}
}

func TestAbortConnectsAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // nobody listens there now
	began := time.Now()
	err = build(t, "http://"+addr).Abort(t.Context(), 7, "test")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "refused: the migration was not aborted") {
		t.Errorf("error %v, want UNAVAILABLE that says what is known", err)
	}
	if took := time.Since(began); took < firstPause*3 {
		t.Errorf("gave up after %v, want three attempts %v and %v apart", took, firstPause, 2*firstPause)
	}
}

// A request whose answer never came may have had its effect, so it is not repeated.
func TestAbortThatHangsIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	free := make(chan struct{})
	defer close(free)
	s.abort = func(http.ResponseWriter, *http.Request) { <-free }
	o := build(t, s.URL+"/base", func(c *config) { c.Timeout = pluginsdk.Duration(2 * time.Second) })
	err := o.Abort(t.Context(), 7, "test")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "may or may not be aborted") {
		t.Errorf("error %v, want UNAVAILABLE that says that nothing is known", err)
	}
	if len(s.seen()) != 1 {
		t.Errorf("asked %d times, want once", len(s.seen()))
	}
}

func TestAbortEndsWithItsCaller(t *testing.T) {
	s := serve(t, plain)
	ctx, cancel := context.WithCancel(t.Context())
	s.abort = func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }
	if err := build(t, s.URL+"/base").Abort(ctx, 7, "test"); status.Code(err) != codes.Unavailable {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
}

func TestWithoutOrchestratorAbortsAreRefused(t *testing.T) {
	o := build(t, "")
	if w := o.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no orchestrator is configured") {
		t.Errorf("warnings %q", w)
	}
	if list, err := o.ListMigrations(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("list %v, %v; want an empty one", list, err)
	}
	err := o.Abort(t.Context(), 7, "test")
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "migration 7 was not aborted: no orchestrator is configured; set url") {
		t.Errorf("abort: %v, want FAILED_PRECONDITION", err)
	}
	if err := o.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestMigrationZeroIsInvalid(t *testing.T) {
	if err := build(t, "").Abort(t.Context(), 0, ""); status.Code(err) != codes.InvalidArgument {
		t.Errorf("error %v, want INVALID_ARGUMENT", err)
	}
}

// A kill must not count as success because url points at the wrong server.
func TestMissingAPIIsNotAMissingMigration(t *testing.T) {
	s := serve(t, plain)
	o := build(t, s.URL+"/wrong")
	_, err := o.fetch(t.Context())
	o.list.store(nil, time.Now(), err)
	err = o.Abort(t.Context(), 7, "test")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "check that url points at an orchestrator") {
		t.Errorf("error %v, want UNAVAILABLE", err)
	}
}
