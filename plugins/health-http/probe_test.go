package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/internal/catalogtest"
	"github.com/meshos/meshos/internal/testkit"
	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

func TestMain(m *testing.M) { catalogtest.Main(m, main) }

// patient is a configuration under which a loaded machine changes no verdict.
func patient(more map[string]any) map[string]any {
	cfg := map[string]any{"interval": "100ms", "timeout": "20s", "degraded_after": "15s"}
	maps.Copy(cfg, more)
	return cfg
}

// hasty is one under which what hangs is found soon.
func hasty() map[string]any {
	return map[string]any{"interval": "100ms", "timeout": "300ms", "degraded_after": "299ms"}
}

// wanted is the verdict on a target.
type wanted struct {
	target string
	health pluginsdk.Health
	reason string // its beginning
}

// check runs the plugin on targets until all verdicts are the wanted ones.
func check(t *testing.T, cfg map[string]any, want map[string]wanted) {
	t.Helper()
	var peers []pluginsdk.Peer
	for name, w := range want {
		peers = append(peers, pluginsdk.Peer{ID: uint64(len(peers) + 2), Name: name, HealthTarget: w.target})
	}
	c := plugintest.StartRaw(t, newProbe, cfg, plugintest.WithPeers(peers...))
	var wrong string
	testkit.Until(t, "the verdicts", func() bool {
		samples, err := c.SampleHealth()
		if err != nil {
			t.Fatal(err)
		}
		got := map[uint64]pluginsdk.HealthSample{}
		for _, s := range samples {
			got[s.Peer] = s
		}
		now := ""
		for _, p := range peers {
			w, g := want[p.Name], got[p.ID]
			if g.Health != w.health || !strings.HasPrefix(g.Reason, w.reason) || w.reason == "" && g.Reason != "" {
				now += fmt.Sprintf("%s: %v %q, want %v %q\n", p.Name, g.Health, g.Reason, w.health, w.reason)
			}
		}
		if now != wrong {
			wrong = now
			t.Logf("not yet:\n%s", wrong)
		}
		return wrong == ""
	})
}

const (
	healthy     = pluginsdk.Healthy
	degraded    = pluginsdk.Degraded
	unreachable = pluginsdk.Unreachable
)

// The kernel of a machine whose service hangs accepts connections for it.
func TestAPeerThatHangsIsNotHealthy(t *testing.T) {
	address := hung(t)
	drips := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			if _, err := io.WriteString(w, "."); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	}), nil)
	const why = "connects, but does not answer in time"
	check(t, hasty(), map[string]wanted{
		"http":                   {"http://" + address, unreachable, why},
		"https":                  {"https://" + address, unreachable, why},
		"grpc":                   {"grpc://" + address, unreachable, why},
		"grpcs":                  {"grpcs://" + address, unreachable, why},
		"an answer without end":  {drips, unreachable, why},
		"headers without an end": {"http://" + headersOnly(t), unreachable, why},
	})
}

// headersOnly returns the address of a server that begins an answer and never ends it.
func headersOnly(t *testing.T) string {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}), nil)
	return strings.TrimPrefix(url, "http://")
}

func TestHTTPAnswers(t *testing.T) {
	good := serve(t, says(200, "all is well"), nil)
	var followed atomic.Bool
	elsewhere := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }), nil)
	check(t, patient(nil), map[string]wanted{
		"good":         {good + "/healthz?full=1", healthy, ""},
		"no content":   {serve(t, says(204, ""), nil), healthy, ""},
		"unhealthy":    {serve(t, says(503, "the disk is full"), nil), unreachable, "answers 503 Service Unavailable"},
		"redirect":     {serve(t, http.RedirectHandler(elsewhere, http.StatusFound), nil), unreachable, "answers 302 Found, and redirects are not followed"},
		"early hints":  {"http://" + speaks(t, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), healthy, ""},
		"cut off":      {"http://" + speaks(t, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok"), unreachable, "connects, but ends the connection without a whole answer"},
		"silence":      {"http://" + speaks(t, ""), unreachable, "connects, but ends the connection without a whole answer"},
		"not HTTP":     {"http://" + speaks(t, "220 mail.example ESMTP\r\n"), unreachable, "does not speak HTTP"},
		"endless head": {"http://" + speaks(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20)), unreachable, "the header of the answer is too long"},
		"nobody":       {"http://127.0.0.1:1/", unreachable, "refused: nobody listens"},
	})
	if followed.Load() {
		t.Error("a redirect was followed")
	}
}

func TestStatusAndBodyAreThoseOfTheConfiguration(t *testing.T) {
	warns, good := serve(t, says(429, "busy, but well"), nil), serve(t, says(200, "well"), nil)
	wrong := serve(t, says(200, "this is the login page"), nil)
	check(t, patient(map[string]any{
		"status": []any{"200", "429"}, "body": "well",
		"expect": []any{map[string]any{"target": warns + "/strict", "status": []any{"200-299"}}, map[string]any{"target": wrong + "/login", "body": "login"}},
	}), map[string]wanted{
		"good":            {good, healthy, ""},
		"another status":  {warns, healthy, ""},
		"stricter there":  {warns + "/strict/1", unreachable, "answers 429 Too Many Requests"},
		"another body":    {wrong, unreachable, `answers without "well"`},
		"expected of one": {wrong + "/login", healthy, ""},
	})
}

func TestNoProxyIsUsed(t *testing.T) {
	proxy := serve(t, says(200, "from the proxy"), nil)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "grpc_proxy"} {
		t.Setenv(name, proxy)
	}
	check(t, patient(nil), map[string]wanted{
		"http": {"http://127.0.0.1:1/", unreachable, "refused: nobody listens"},
		"grpc": {"grpc://127.0.0.1:1/", unreachable, "refused: nobody listens"},
	})
}

func TestCertificatesAreVerified(t *testing.T) {
	const day = 24 * time.Hour
	ca, stranger := newAuthority(t), newAuthority(t)
	server := func(c tls.Certificate) string { return serve(t, says(200, "ok"), with(c)) }
	fine := ca.sign("127.0.0.1", -day, 80*day)
	grpcFine := serveGRPC(t, with(fine), map[string]healthv1.HealthCheckResponse_ServingStatus{"": healthv1.HealthCheckResponse_SERVING})
	grpcOld := serveGRPC(t, with(ca.sign("127.0.0.1", -80*day, 10*day)), map[string]healthv1.HealthCheckResponse_ServingStatus{"": healthv1.HealthCheckResponse_SERVING})
	grpcStranger := serveGRPC(t, with(stranger.sign("127.0.0.1", -day, 80*day)), nil)
	check(t, patient(map[string]any{"ca_file": ca.file}), map[string]wanted{
		"fine":                    {server(fine), healthy, ""},
		"by name":                 {"https://localhost" + port(server(ca.sign("localhost", -day, 80*day))), healthy, ""},
		"13 days left":            {server(ca.sign("127.0.0.1", -77*day, 13*day)), degraded, "certificate expires 20"},
		"15 days left":            {server(ca.sign("127.0.0.1", -75*day, 15*day)), healthy, ""},
		"4 of 10 days left":       {server(ca.sign("127.0.0.1", -6*day, 4*day)), healthy, ""},
		"3 of 10 days left":       {server(ca.sign("127.0.0.1", -7*day, 3*day)), degraded, "certificate expires 20"},
		"expired":                 {server(ca.sign("127.0.0.1", -80*day, -day)), unreachable, "certificate expired 20"},
		"not valid yet":           {server(ca.sign("127.0.0.1", day, 80*day)), unreachable, "certificate is not valid before 20"},
		"of another authority":    {server(stranger.sign("127.0.0.1", -day, 80*day)), unreachable, "certificate is of an unknown authority"},
		"for another name":        {server(ca.sign("db.example", -day, 80*day)), unreachable, "certificate is for another name"},
		"no TLS there":            {"https" + strings.TrimPrefix(serve(t, says(200, "ok"), nil), "http"), unreachable, "does not speak TLS"},
		"grpcs":                   {"grpcs://" + grpcFine, healthy, ""},
		"grpcs, soon expired":     {"grpcs://" + grpcOld, degraded, "certificate expires 20"},
		"grpcs, of another":       {"grpcs://" + grpcStranger, unreachable, "certificate is of an unknown authority"},
		"grpcs where there's not": {"grpcs://" + serveGRPC(t, nil, nil), unreachable, "does not speak TLS"},
	})
}

func TestAClientCertificateIsShown(t *testing.T) {
	ca := newAuthority(t)
	fine := ca.sign("127.0.0.1", -time.Hour, 1000*time.Hour)
	asks := with(fine)
	asks.ClientAuth = tls.RequireAnyClientCert
	url := serve(t, says(200, "ok"), asks)
	check(t, patient(map[string]any{"ca_file": ca.file}), map[string]wanted{
		"without": {url, unreachable, "refuses TLS: "},
	})
	cert, key := ca.files(ca.sign("probe.example", -time.Hour, time.Hour))
	check(t, patient(map[string]any{"ca_file": ca.file, "cert_file": cert, "key_file": key}), map[string]wanted{
		"with": {url, healthy, ""},
	})
}

func TestGRPCHealth(t *testing.T) {
	address := serveGRPC(t, nil, map[string]healthv1.HealthCheckResponse_ServingStatus{
		"": healthv1.HealthCheckResponse_SERVING, "db": healthv1.HealthCheckResponse_NOT_SERVING, "api.v1.Api": healthv1.HealthCheckResponse_SERVING,
	})
	check(t, patient(nil), map[string]wanted{
		"serving":         {"grpc://" + address, healthy, ""},
		"one service":     {"grpc://" + address + "/api.v1.Api", healthy, ""},
		"not serving":     {"grpc://" + address + "/db", unreachable, "answers NOT_SERVING"},
		"unknown service": {"grpc://" + address + "/nothing", unreachable, "knows no service nothing"},
		"no health":       {"grpc://" + serveGRPC(t, nil, nil), unreachable, "does not serve grpc.health.v1"},
		"HTTP/1":          {"grpc" + strings.TrimPrefix(serve(t, says(200, "ok"), nil), "http"), unreachable, "does not speak gRPC"},
		"nobody":          {"grpc://127.0.0.1:1", unreachable, "refused: nobody listens"},
	})
}

func TestTargetsOfOtherSchemesAreNotAnswered(t *testing.T) {
	open := strings.TrimPrefix(serve(t, says(200, "ok"), nil), "http://")
	c := plugintest.StartRaw(t, newProbe, patient(nil), plugintest.WithPeers(
		pluginsdk.Peer{ID: 2, HealthTarget: "http://" + open},
		pluginsdk.Peer{ID: 3, HealthTarget: open},
		pluginsdk.Peer{ID: 4, HealthTarget: "tcp://" + open},
		pluginsdk.Peer{ID: 5}))
	testkit.Until(t, "a complete answer", func() bool {
		samples, err := c.SampleHealth()
		if err != nil {
			t.Fatal(err)
		}
		if len(samples) > 1 || len(samples) == 1 && samples[0].Peer != 2 {
			t.Fatalf("%+v", samples)
		}
		return c.Complete() && len(samples) == 1
	})
}

func TestARenewedAuthorityIsReadAgain(t *testing.T) {
	old, renewed := newAuthority(t), newAuthority(t)
	trust, err := newTrust(config{CAFile: old.file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := trust.pool()
	pem, err := os.ReadFile(renewed.file)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		text    string
		changed bool
		fails   bool
	}{{"broken", false, true}, {string(pem), true, false}} {
		if err := os.WriteFile(old.file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(old.file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := trust.read(); (err != nil) != step.fails {
			t.Errorf("%v", err)
		}
		if changed := !trust.pool().Equal(before); changed != step.changed {
			t.Errorf("changed %v", changed)
		}
	}
}

func TestWrongConfigurationIsRefused(t *testing.T) {
	c := plugintest.Serve(t, newProbe)
	for name, cfg := range map[string]map[string]any{
		"no answer can be slow": {"degraded_after": "2s"},
		"not a status":          {"status": []any{"ok"}},
		"interim status":        {"status": []any{"100-299"}},
		"backwards":             {"status": []any{"299-200"}},
		"no status":             {"status": []any{}},
		"relative":              {"ca_file": "ca.pem"},
		"a key alone":           {"cert_file": "/cert.pem"},
		"expect without target": {"expect": []any{map[string]any{"body": "x"}}},
		"expect a bad status":   {"expect": []any{map[string]any{"target": "http://a", "status": []any{"2xx"}}}},
		"unknown key":           {"redirects": true},
	} {
		if err := c.Validate(cfg); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.ReconfigureRaw(map[string]any{"ca_file": "/no/such/ca.pem"}); err == nil || !strings.Contains(err.Error(), "ca_file: ") {
		t.Errorf("a missing ca_file: %v", err)
	}
}

var (
	_ pluginsdk.HealthProbe = (*probe)(nil)
	_ pluginsdk.Runner      = (*probe)(nil)
	_ pluginsdk.PeerWatcher = (*probe)(nil)
	_ pluginsdk.Warner      = (*probe)(nil)
)

func TestAProbeOnDemandIsOneRequest(t *testing.T) {
	var asked atomic.Int32
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if asked.Load() > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "the disk is full\nand more")
		}
	}), nil)
	cfg := patient(nil)
	cfg["interval"] = "1h"
	c := plugintest.StartRaw(t, newProbe, cfg, plugintest.WithPeers(
		pluginsdk.Peer{ID: 2, HealthTarget: url}, pluginsdk.Peer{ID: 3, HealthTarget: "127.0.0.1:1"}))
	testkit.Until(t, "the first verdict", func() bool {
		samples, err := c.SampleHealth()
		return err == nil && len(samples) == 1 && samples[0].Health == healthy
	})
	got, err := c.ProbeNow(2, false)
	if err != nil || asked.Load() != 2 {
		t.Fatalf("asked %d times, %v", asked.Load(), err)
	}
	if h := got.GetHealth(); h.GetHealth().String() != "NODE_HEALTH_UNREACHABLE" || h.GetReason() != "answers 503 Service Unavailable" ||
		got.GetDetails()[0].GetValue() != "answers 503 Service Unavailable: the disk is full" {
		t.Errorf("%v", got)
	}
	if samples, err := c.SampleHealth(); err != nil || samples[0].Health != healthy {
		t.Errorf("it changed the verdict: %v, %v", samples, err)
	}
	if _, err := c.ProbeNow(3, false); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a target of another scheme: %v", err)
	}
	if _, err := c.ProbeNow(4, false); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown peer: %v", err)
	}
}
