package catalog

import (
	"crypto/tls"
	"encoding/pem"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// certificateKey names the variable by which a plugin gets the host's certificate. It answers
// with one of its own in the handshake: this is go-plugin's AutoMTLS, with a key that is made
// in a hundredth of the time.
const certificateKey = "PLUGIN_CLIENT_CERT"

// clientTLS returns the configuration of one connection to one process, without the plugin's
// certificate, which go-plugin adds from the handshake, and the variable for the process.
func clientTLS() (config *tls.Config, variable string, err error) {
	cert, err := wire.NewCertificate()
	if err != nil {
		return nil, "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	return &tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS12,
		ServerName:   wire.CertificateName,
		ClientAuth:   tls.RequireAndVerifyClientCert, // of connections that go-plugin's broker accepts
	}, certificateKey + "=" + string(text), nil
}
