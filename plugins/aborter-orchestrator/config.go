package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	URL        string             `json:"url" doc:"base address of the orchestrator, such as https://orchestrator.example:8443; empty: there is no orchestrator"`
	TokenFile  string             `json:"token_file" doc:"file with the bearer token; read again for every request"`
	CAFile     string             `json:"ca_file" doc:"PEM file of the authorities that may have signed the orchestrator's certificate; empty: those of the system"`
	CertFile   string             `json:"cert_file" doc:"PEM file of this client's certificate; read again for every connection"`
	KeyFile    string             `json:"key_file" doc:"PEM file of the key of cert_file"`
	ServerName string             `json:"server_name" doc:"name the orchestrator's certificate must carry, if it is not the host of url"`
	Timeout    pluginsdk.Duration `json:"timeout" default:"3s" min:"10ms" max:"5m" doc:"how long one request may take"`
	Interval   pluginsdk.Duration `json:"interval" default:"1s" min:"10ms" max:"1h" doc:"how often the list is fetched"`
	StaleAfter pluginsdk.Duration `json:"stale_after" default:"30s" min:"20ms" max:"24h" doc:"a list older than this is an error"`
	Attempts   int                `json:"abort_attempts" default:"3" min:"1" max:"10" doc:"how often an abort is tried if the orchestrator can't be reached, or answers 503 with a Retry-After"`
	MaxBody    int                `json:"max_body" default:"4194304" min:"1024" max:"4194304" doc:"size of the largest answer, in bytes"`
}

// Validate checks what tags can't express. It uses neither files nor network.
func (c config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, f := range []struct{ key, path string }{
		{"token_file", c.TokenFile},
		{"ca_file", c.CAFile},
		{"cert_file", c.CertFile},
		{"key_file", c.KeyFile},
	} {
		if f.path != "" && !filepath.IsAbs(f.path) {
			bad("%s: %q is not an absolute path", f.key, f.path)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		bad("cert_file and key_file belong together: set both or none")
	}
	if c.StaleAfter <= c.Interval {
		bad("stale_after (%s) must be longer than interval (%s)", c.StaleAfter, c.Interval)
	}
	if c.URL == "" {
		return errors.Join(errs...)
	}
	base, err := parseBase(c.URL)
	if err != nil {
		bad("%w", err)
		return errors.Join(errs...)
	}
	if base.Scheme == "http" {
		if c.CAFile != "" || c.CertFile != "" || c.ServerName != "" {
			bad("url: %s uses no TLS, but ca_file, cert_file or server_name is set: write https:// or remove them", base)
		}
		if c.TokenFile != "" && !isLoopback(base.Hostname()) {
			bad("url: %s would carry the token of token_file unencrypted over the network: write https://", base)
		}
	}
	return errors.Join(errs...)
}

// parseBase reads the base address, to which paths of the API are appended.
func parseBase(raw string) (*url.URL, error) {
	base, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: %w", err)
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return nil, fmt.Errorf("url: %q is not an address like https://orchestrator.example:8443", raw)
	case base.User != nil:
		return nil, errors.New("url: holds a user name or password: use token_file")
	case base.RawQuery != "" || base.Fragment != "" || base.ForceQuery:
		return nil, fmt.Errorf("url: %q has a query or fragment: write only scheme, host, port and path", raw)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = ""
	return base, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (c config) timeout() time.Duration    { return time.Duration(c.Timeout) }
func (c config) interval() time.Duration   { return time.Duration(c.Interval) }
func (c config) staleAfter() time.Duration { return time.Duration(c.StaleAfter) }
