package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
)

func write(t *testing.T, name string, data []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func certPEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func TestFetchReturnsTheList(t *testing.T) {
	s := serve(t, plain)
	got, err := build(t, s.URL+"/base").fetch(t.Context())
	if err != nil || len(got) != 1 || got[0].GetMigration() != 7 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFetchRefusesWrongAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"garbage", says(200, "\x00\xff garbage"), "not a JSON object"},
		{"a page", says(200, "<html>"), "not a JSON object"},
		{"too large", says(200, `{"in_flight":[`+strings.Repeat(" ", 2000)+`]}`), "larger than max_body (1024 bytes)"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 4096)); err != nil {
					return
				}
			}
		}, "larger than max_body"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"in_flight":[]}`))
		}, "unexpected EOF"},
		{"nothing at all", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout is 300ms"},
		{"404", says(404, ""), "404 Not Found"},
		{"a redirect to itself", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, "redirects are not followed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, plain)
			s.list = c.answer
			name := c.name
			o := build(t, s.URL+"/base", func(c *config) {
				c.MaxBody = 1024
				if c.Timeout = pluginsdk.Duration(20 * time.Second); name == "silence" {
					c.Timeout = pluginsdk.Duration(300 * time.Millisecond)
				}
			})
			got, err := o.fetch(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "/base/v1/migrations") {
				t.Errorf("got %v, error %v; want one with %q", got, err, c.want)
			}
		})
	}
}

func TestTokenIsReadForEveryRequest(t *testing.T) {
	s := serve(t, plain)
	path := write(t, "token", []byte("first\n"), 0o600)
	o := build(t, s.URL+"/base", func(c *config) { c.TokenFile = path })
	if w := o.Warnings(); len(w) != 0 {
		t.Errorf("warnings %q, want none", w)
	}
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := o.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := fmt.Sprint(s.tokens); got != "[Bearer first Bearer second]" {
		t.Errorf("the orchestrator saw %s", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err := o.Abort(t.Context(), 7, "test")
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "token_file: open ") || len(s.seen()) != 0 {
		t.Errorf("without its token: %v after %d requests", err, len(s.seen()))
	}
}

func TestTokenFilesThatDeserveAWarning(t *testing.T) {
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"readable by all", "secret", 0o644, "mode 0644): chmod o-rwx"},
		{"empty", " \n", 0o600, "is empty"},
		{"two lines", "secret\nmore", 0o600, "tokens can't have (byte 7)"},
		{"not ASCII", "sécret", 0o600, "tokens can't have (byte 2)"},
		{"huge", strings.Repeat("x", maxToken+1), 0o600, "more than 8192 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, "token", []byte(c.content), c.mode)
			o := build(t, "http://127.0.0.1:1", func(cfg *config) { cfg.TokenFile = path })
			w := strings.Join(o.Warnings(), "\n")
			if !strings.Contains(w, c.want) || strings.Contains(w, "secret") {
				t.Errorf("warnings %q, want %q and never the token", w, c.want)
			}
		})
	}
	o := build(t, "http://127.0.0.1:1", func(cfg *config) { cfg.TokenFile = "/nonexistent/token" })
	if w := strings.Join(o.Warnings(), ""); !strings.Contains(w, "does not exist yet") {
		t.Errorf("warnings %q", w)
	}
}

func TestTLS(t *testing.T) {
	s := serve(t, withTLS)
	ca := write(t, "ca.pem", certPEM(s.Certificate()), 0o644)

	t.Run("with the authority", func(t *testing.T) {
		o := build(t, s.URL+"/base", func(c *config) { c.CAFile = ca })
		if _, err := o.fetch(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("unknown authority", func(t *testing.T) {
		_, err := build(t, s.URL+"/base").fetch(t.Context())
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("another name", func(t *testing.T) {
		o := build(t, s.URL+"/base", func(c *config) { c.CAFile, c.ServerName = ca, "other.example" })
		_, err := o.fetch(t.Context())
		if err == nil || !strings.Contains(err.Error(), "not other.example") {
			t.Errorf("error %v", err)
		}
	})
}

func TestClientCertificate(t *testing.T) {
	s := serve(t, func(s *httptest.Server) {
		s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		s.StartTLS()
	})
	ca := write(t, "ca.pem", certPEM(s.Certificate()), 0o644)
	own := s.TLS.Certificates[0] // any pair will do
	key, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile := write(t, "cert.pem", certPEM(own.Leaf), 0o644)
	keyFile := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600)

	if _, err := build(t, s.URL+"/base", func(c *config) { c.CAFile = ca }).fetch(t.Context()); err == nil {
		t.Error("got in without a certificate")
	}
	o := build(t, s.URL+"/base", func(c *config) { c.CAFile, c.CertFile, c.KeyFile = ca, certFile, keyFile })
	if _, err := o.fetch(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWrongFilesAreNamed(t *testing.T) {
	junk := write(t, "junk.pem", []byte("junk"), 0o600)
	large := write(t, "large.pem", make([]byte, 4<<20+1), 0o600)
	for _, c := range []struct {
		name string
		cfg  config
		want string
	}{
		{"no ca_file", config{CAFile: "/nonexistent"}, "ca_file: open /nonexistent"},
		{"junk ca_file", config{CAFile: junk}, "has no certificate in PEM form"},
		{"endless cert_file", config{CertFile: "/dev/zero", KeyFile: junk}, "cert_file: /dev/zero is a device"},
		{"large key_file", config{CertFile: junk, KeyFile: large}, "key_file: " + large + " is larger than 4 MiB"},
		{"junk cert_file", config{CertFile: junk, KeyFile: junk}, "cert_file and key_file: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.URL = "https://127.0.0.1:1"
			_, err := construct(pluginsdk.Env{Log: hclog.NewNullLogger()}, c.cfg)
			if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want INVALID_ARGUMENT with %q", err, c.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	second := pluginsdk.Duration(time.Second)
	for _, c := range []struct {
		name string
		cfg  config
		want []string // none: valid
	}{
		{"no orchestrator", config{}, nil},
		{"https", config{URL: "https://orchestrator.example:8443/prefix", TokenFile: "/t"}, nil},
		{"token to a loopback address", config{URL: "http://[::1]:1", TokenFile: "/t"}, nil},
		{"token in the clear", config{URL: "http://orchestrator.example", TokenFile: "/t"}, []string{"unencrypted over the network"}},
		{"no scheme", config{URL: "orchestrator.example:80"}, []string{"is not an address like https://"}},
		{"another scheme", config{URL: "ftp://orchestrator.example"}, []string{"is not an address like https://"}},
		{"not a URL", config{URL: "http://a b"}, []string{"url: "}},
		{"password in it", config{URL: "https://u:p@orchestrator.example"}, []string{"use token_file"}},
		{"query", config{URL: "https://orchestrator.example/?a=b"}, []string{"has a query"}},
		{"TLS without TLS", config{URL: "http://127.0.0.1", CAFile: "/ca"}, []string{"uses no TLS"}},
		{
			"several mistakes at once",
			config{URL: "x", TokenFile: "token", CertFile: "/c", Interval: second, StaleAfter: second},
			[]string{"token_file: \"token\" is not an absolute path", "cert_file and key_file belong together", "stale_after (1s) must be longer", "url: "},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.StaleAfter == 0 {
				c.cfg.StaleAfter = second
			}
			err := c.cfg.Validate()
			if len(c.want) == 0 && err != nil {
				t.Errorf("error %v", err)
			}
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one with %q", err, want)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999999": 0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}
