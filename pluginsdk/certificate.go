package pluginsdk

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// clientCertificate names the environment variable with the host's certificate, as go-plugin
// calls it.
const clientCertificate = "PLUGIN_CLIENT_CERT"

// serverTLS returns how to serve a host with this certificate alone, and the certificate to
// answer with in the handshake. It stands in for go-plugin's AutoMTLS, which takes longer to
// make its key than everything else at the start of a plugin.
func serverTLS(hostPEM string) (config *tls.Config, answer string, err error) {
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM([]byte(hostPEM)) {
		return nil, "", fmt.Errorf("%s has no certificate", clientCertificate)
	}
	cert, err := wire.NewCertificate()
	if err != nil {
		return nil, "", fmt.Errorf("make a certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    trusted,
		RootCAs:      trusted, // of connections that go-plugin's broker makes
		ServerName:   wire.CertificateName,
		MinVersion:   tls.VersionTLS12,
	}, base64.RawStdEncoding.EncodeToString(cert.Certificate[0]), nil
}

// certify adds a certificate to the handshake that go-plugin is about to print, where its own
// would be.
func (s *stdio) certify(certificate string) error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("a pipe for the handshake: %w", err)
	}
	os.Stdout = write
	go func() { // ends when go-plugin has printed, or with the process
		line, err := bufio.NewReader(read).ReadString('\n')
		if err == nil {
			_, err = s.saved.WriteString(withCertificate(line, certificate))
		}
		_ = errors.Join(err, read.Close(), write.Close()) // the host sees no handshake then
	}()
	return nil
}

// withCertificate returns a handshake with a certificate in its sixth field.
func withCertificate(line, certificate string) string {
	const field = 5
	fields := strings.Split(strings.TrimSuffix(line, "\n"), "|")
	if len(fields) <= field || fields[field] != "" {
		return line
	}
	fields[field] = certificate
	return strings.Join(fields, "|") + "\n"
}
