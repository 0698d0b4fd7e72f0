package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/meshos/meshos/internal/readfile"
)

// tlsConfig returns the client's TLS configuration. The client certificate is checked now
// and read again for every connection, so that a renewed one is used without a restart.
func tlsConfig(c config) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := readfile.Read(c.CAFile, readfile.MaxText)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s has no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			return loadPair(c.CertFile, c.KeyFile)
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return out, nil
}

// loadPair reads a certificate and its key, within the size and the time that a file of them
// may have: a connection waits for it.
func loadPair(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := readfile.Read(certFile, readfile.MaxText)
	if err != nil {
		return nil, fmt.Errorf("cert_file: %w", err)
	}
	key, err := readfile.Read(keyFile, readfile.MaxText)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cert_file and key_file: %w", err)
	}
	return &pair, nil
}
