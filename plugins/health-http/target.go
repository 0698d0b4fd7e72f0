package main

import (
	"net"
	"net/url"
	"strings"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

// The schemes of the targets that this plugin checks.
const (
	schemeHTTP  = "http"
	schemeHTTPS = "https"
	schemeGRPC  = "grpc"
	schemeGRPCS = "grpcs"
)

func schemes() []string { return []string{schemeHTTP, schemeHTTPS, schemeGRPC, schemeGRPCS} }

// target is a health URL.
type target struct {
	text    string // as it was configured
	scheme  string
	host    string // without a port
	address string // host:port to connect to
	url     *url.URL
	service string // of a gRPC health check
}

// tls reports whether the target is asked over TLS.
func (t target) tls() bool { return t.scheme == schemeHTTPS || t.scheme == schemeGRPCS }

// parseTarget reads a URL. The error is a failure of this machine's configuration.
func parseTarget(text string) (target, error) {
	unusable := func(why string) (target, error) {
		return target{}, &healthprobe.Failure{Reason: "not a URL that can be checked: " + why, Detail: text, Ours: true}
	}
	u, err := url.Parse(text)
	if err != nil {
		return unusable("it can't be read")
	}
	t := target{text: text, scheme: strings.ToLower(u.Scheme), host: u.Hostname(), url: u}
	port := u.Port()
	switch t.scheme {
	case schemeHTTP:
		port = orElse(port, "80")
	case schemeHTTPS:
		port = orElse(port, "443")
	case schemeGRPC, schemeGRPCS:
		t.service = strings.TrimPrefix(u.Path, "/")
	default:
		return unusable("its scheme is not one of " + strings.Join(schemes(), ", "))
	}
	if t.host == "" {
		return unusable("the host is missing")
	}
	if port == "" {
		return unusable("the port is missing")
	}
	if u.User != nil {
		return unusable("it holds a user name or password")
	}
	t.address = net.JoinHostPort(t.host, port)
	return t, nil
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
