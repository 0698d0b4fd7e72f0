package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/meshos/meshos/host/api"
	"github.com/meshos/meshos/internal/testkit"
)

func TestHealthzSaysWhyANodeIsUnhealthy(t *testing.T) {
	now := time.Now()
	ended := newNode()
	ended.Show(at(1))
	ended.End()
	for _, c := range []struct {
		name string
		node *node
		code int
		body string
	}{
		{"a tick just now", ticked(now), 200, "ok\n"},
		{"just under three intervals", ticked(now.Add(-1500*time.Millisecond + 1)), 200, "ok\n"},
		{
			"three intervals", ticked(now.Add(-1500 * time.Millisecond)), 503,
			"the last tick was 1.5s ago, which should be less than 1.5s\n",
		},
		{"the loop has ended", ended, 503, "the loop has ended\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			handler := api.NewHTTP(api.HTTPOptions{
				Reader: c.node, TickInterval: 500 * time.Millisecond,
				Metrics: prometheus.NewRegistry(), Now: func() time.Time { return now },
			})
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz", nil))
			if answer.Code != c.code || answer.Body.String() != c.body {
				t.Errorf("got %d %q, want %d %q", answer.Code, answer.Body, c.code, c.body)
			}
		})
	}
}

// Whoever checks a node that has just started is told of the first tick, and not that there was none.
func TestHealthzWaitsForTheFirstTickButNotLong(t *testing.T) {
	for name, c := range map[string]struct {
		comes bool
		code  int
		body  string
	}{
		"it comes": {true, 200, "ok\n"}, "it does not": {false, 503, "there was no tick yet\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode()
				handler := api.NewHTTP(api.HTTPOptions{Reader: n, TickInterval: 500 * time.Millisecond, Metrics: prometheus.NewRegistry(), Now: time.Now})
				began := time.Now()
				if c.comes {
					time.AfterFunc(300*time.Millisecond, func() {
						s := at(1)
						s.TakenAt = time.Now()
						n.Show(s)
					})
				}
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz", nil))
				if took := time.Since(began); answer.Code != c.code || answer.Body.String() != c.body || took > time.Second {
					t.Errorf("got %d %q after %v, want %d %q within a second", answer.Code, answer.Body, took, c.code, c.body)
				}
			})
		})
	}
}

// ticked is a node whose last tick was at a time.
func ticked(taken time.Time) *node {
	n := newNode()
	s := at(1)
	s.TakenAt = taken
	n.Show(s)
	return n
}

// A step of the wall clock changes nothing if LastTick is there.
func TestHealthzPrefersTheTimeOfTheLastTick(t *testing.T) {
	now := time.Now()
	for want, last := range map[int]time.Time{200: now.Add(-1499 * time.Millisecond), 503: now.Add(-2 * time.Second)} {
		handler := api.NewHTTP(api.HTTPOptions{
			Reader: ticked(now.Add(time.Hour)), TickInterval: 500 * time.Millisecond, Metrics: prometheus.NewRegistry(),
			Now: func() time.Time { return now }, LastTick: func() time.Time { return last },
		})
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if answer.Code != want {
			t.Errorf("last tick %v ago: got %d %q, want %d", now.Sub(last), answer.Code, answer.Body, want)
		}
	}
}

func TestMetricsComeOverARealListener(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "meshos_test_total", Help: "x"})
	registry.MustRegister(counter)
	counter.Add(3)
	ln, err := api.ListenHTTP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	handler := api.NewHTTP(api.HTTPOptions{Reader: newNode(), TickInterval: time.Second, Metrics: registry, Now: time.Now})
	go func() { ended <- api.ServeHTTP(ctx, ln, handler) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Patience}
	answer, err := client.Get("http://" + ln.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || !strings.Contains(string(body), "meshos_test_total 3") {
		t.Errorf("got %s, error %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ServeHTTP: %v", err)
	}
}

func TestACrowdOfScrapesIsServedInTurn(t *testing.T) {
	const crowd = 20
	var inside, most atomic.Int64
	registry := prometheus.NewRegistry()
	begun := make(chan struct{}, crowd)
	goOn := make(chan struct{})
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "meshos_test", Help: "x"}, func() float64 {
		now := inside.Add(1)
		defer inside.Add(-1)
		for before := most.Load(); now > before && !most.CompareAndSwap(before, now); before = most.Load() {
		}
		begun <- struct{}{}
		<-goOn
		return 1
	}))
	handler := api.NewHTTP(api.HTTPOptions{Reader: newNode(), TickInterval: time.Second, Metrics: registry, Now: time.Now})
	codes := make(chan int, crowd)
	for range crowd {
		go func() {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			codes <- answer.Code
		}()
	}
	for range 4 {
		<-begun
	}
	close(goOn)
	for range crowd {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("got %d", code)
		}
	}
	if most.Load() != 4 {
		t.Errorf("%d at once, want 4", most.Load())
	}
}

// Clients that keep their connections after the answer do not keep others waiting.
func TestClientsThatHoldConnectionsDoNotBlockHealthz(t *testing.T) {
	ln, err := api.ListenHTTP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	now := time.Now()
	handler := api.NewHTTP(api.HTTPOptions{
		Reader: ticked(now), TickInterval: time.Second, Metrics: prometheus.NewRegistry(), Now: func() time.Time { return now },
	})
	go func() { ended <- api.ServeHTTP(ctx, ln, handler) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("ServeHTTP: %v", err)
		}
	}()
	const crowd = 300 // more than may be open at once
	for range crowd {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Patience}
	answer, err := client.Get("http://" + ln.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("got %s", answer.Status)
	}
}

func TestATakenPortSaysWhatToDo(t *testing.T) {
	ln, err := api.ListenHTTP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	address := ln.Addr().String()
	_, err = api.ListenHTTP(t.Context(), address)
	want := "node.listen " + address + `: address in use; set node.listen to another address, or "" for none: `
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s…", err, want)
	}
}
