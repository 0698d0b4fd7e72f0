package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// says is a handler that answers always the same.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// serve serves HTTP until the test ends, over TLS with a configuration that is not nil.
func serve(t *testing.T, handler http.Handler, secure *tls.Config) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are the test
	if secure != nil {
		server.TLS = secure
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}

// with returns the configuration of a server with one certificate.
func with(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

// hung returns the address of a server that is stopped: its kernel accepts connections, and
// nothing answers on them.
func hung(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// speaks returns the address of a server that sends a text on each connection, and reads
// what comes.
func speaks(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, text)
			_ = c.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// serveGRPC serves the health protocol until the test ends: its services have these states.
// Without states it serves nothing.
func serveGRPC(t *testing.T, secure *tls.Config, states map[string]healthv1.HealthCheckResponse_ServingStatus) (address string) {
	t.Helper()
	return serveGRPCOn(t, listenOn(t, "127.0.0.1:0"), secure, states)
}

// listenOn listens on an address.
func listenOn(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serveGRPCOn(t *testing.T, l net.Listener, secure *tls.Config, states map[string]healthv1.HealthCheckResponse_ServingStatus) (address string) {
	t.Helper()
	var opts []grpc.ServerOption
	if secure != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(secure)))
	}
	server := grpc.NewServer(opts...)
	if states != nil {
		service := health.NewServer()
		for name, state := range states {
			service.SetServingStatus(name, state)
		}
		healthv1.RegisterHealthServer(server, service)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

// port returns the port of a URL, with its colon.
func port(url string) string { return url[strings.LastIndex(url, ":"):] }
