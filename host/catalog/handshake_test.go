package catalog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"testing"
)

func TestHandshake(t *testing.T) {
	cert := selfSigned(t)
	for _, c := range []struct{ line, want string }{
		{"1|1|unix|/run/p/plugin1|grpc|" + cert, ""},
		{"1|1|unix|/run/p/plugin1|grpc|" + cert + "|true", ""},
		{"2|1|unix|/run/p/plugin1|grpc|" + cert, "it speaks go-plugin's core protocol 2, this host 1"},
		{"1|5|unix|/run/p/plugin1|grpc|" + cert, "it speaks plugin protocol 5, this host 1"},
		{"1|1|unix|/run/p/plugin1", `it serves "", not grpc`},
		{"1|1|unix|/run/p/plugin1|netrpc|" + cert, `it serves "netrpc", not grpc`},
		{"1|1|tcp|127.0.0.1:80|grpc|" + cert, "it listens on tcp 127.0.0.1:80, not in the socket directory that it was given"},
		{"1|1|unix|/run/p/../q/plugin1|grpc|" + cert, "it listens on unix /run/p/../q/plugin1, not in the socket directory that it was given"},
		{"1|1|unix|/run/p/plugin1|grpc|", "it sent no certificate"},
		{"1|1|unix|/run/p/plugin1|grpc", "it sent no certificate"},
		{"1|1|unix|/run/p/plugin1|grpc|!" + cert, "the certificate that it sent is not in base64 without padding"},
		{"1|1|unix|/run/p/plugin1|grpc|" + cert[:40], "the certificate that it sent can't be read: x509: malformed certificate"},
	} {
		if got, _ := checkHandshake(c.line, "/run/p"); got != c.want {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}

// selfSigned is a certificate as it stands in a handshake.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(der)
}
