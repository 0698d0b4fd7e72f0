package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/pluginsdk"
)

// server is a fake orchestrator with handlers of the test.
type server struct {
	*httptest.Server
	list, abort http.HandlerFunc

	mu     sync.Mutex
	aborts []abortSeen
	tokens []string
}

// abortSeen is one abort as it arrived.
type abortSeen struct{ path, reason, key string }

func serve(t *testing.T, start func(*httptest.Server)) *server {
	t.Helper()
	s := &server{
		list:  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"in_flight":[`+good+`]}`) },
		abort: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /base/v1/migrations", func(w http.ResponseWriter, r *http.Request) {
		s.see(func() { s.tokens = append(s.tokens, r.Header.Get("Authorization")) })
		s.list(w, r)
	})
	mux.HandleFunc("POST /base/v1/migrations/{id}/abort", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Reason string `json:"reason"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("abort with a body that is not JSON: %v", err)
		}
		s.see(func() {
			s.aborts = append(s.aborts, abortSeen{r.URL.Path, body.Reason, r.Header.Get("Idempotency-Key")})
		})
		s.abort(w, r)
	})
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that don't trust it are part of the tests
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

func (s *server) see(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// seen returns the aborts that have arrived.
func (s *server) seen() []abortSeen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.aborts)
}

func plain(s *httptest.Server)   { s.Start() }
func withTLS(s *httptest.Server) { s.StartTLS() }

// says returns a handler that answers with a status and a body.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// build returns an instance for a server, with the defaults and these changes.
func build(t *testing.T, url string, alter ...func(*config)) *orchestrator {
	t.Helper()
	cfg := config{
		URL: url, Timeout: pluginsdk.Duration(5 * time.Second), Interval: pluginsdk.Duration(time.Second),
		StaleAfter: pluginsdk.Duration(30 * time.Second), Attempts: 3, MaxBody: 4 << 20,
	}
	for _, a := range alter {
		a(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	o, err := construct(pluginsdk.Env{Log: hclog.NewNullLogger(), Node: 1}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}
