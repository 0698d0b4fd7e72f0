package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/readfile"
)

// lookAgain is how often ca_file is looked at for changes.
const lookAgain = time.Minute

// trust makes the TLS configuration of clients.
type trust struct {
	cfg config
	log hclog.Logger

	written time.Time // when the file that was read last was written

	mu    sync.Mutex
	roots *x509.CertPool // nil: those of the system
}

// newTrust reads the files once, so that a mistake is said at the start.
func newTrust(cfg config, log hclog.Logger) (*trust, error) {
	t := &trust{cfg: cfg, log: log}
	if cfg.CAFile != "" {
		if err := t.read(); err != nil {
			return nil, err
		}
	}
	if cfg.CertFile != "" {
		if _, err := t.own(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// client returns the configuration for a connection to a host.
func (t *trust) client(host, protocol string) *tls.Config {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: t.pool(), NextProtos: []string{protocol}}
	if t.cfg.CertFile != "" {
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.own() }
	}
	return out
}

func (t *trust) own() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.cfg.CertFile, t.cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %w", err)
	}
	return &pair, nil
}

// pool returns the authorities.
func (t *trust) pool() *x509.CertPool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.roots
}

// follow reads ca_file again whenever it has changed, until ctx ends. If that fails, the
// authorities that were read before stay.
func (t *trust) follow(ctx context.Context) {
	if t.cfg.CAFile == "" {
		return
	}
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		problem := ""
		if err := t.read(); err != nil {
			problem = err.Error()
		}
		if problem != "" && problem != said {
			t.log.Error("the authorities can't be read again; those read before stay in force", "error", problem)
		}
		said = problem
	}
}

// read reads ca_file unless it was read since it was written.
func (t *trust) read() error {
	info, err := readfile.Stat(t.cfg.CAFile)
	if err != nil {
		return fmt.Errorf("ca_file: %w", err)
	}
	if t.pool() != nil && info.ModTime().Equal(t.written) {
		return nil
	}
	pem, err := readfile.Read(t.cfg.CAFile, readfile.MaxText)
	if err != nil {
		return fmt.Errorf("ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("ca_file: %s has no certificate in PEM form", t.cfg.CAFile)
	}
	t.written = info.ModTime()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.roots = roots
	return nil
}
