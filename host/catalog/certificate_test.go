package catalog

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

func TestEachStartHasAKeyOfItsOwnThatIsQuickToMake(t *testing.T) {
	certificate := func() *x509.Certificate {
		config, variable, err := clientTLS()
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(variable, "PLUGIN_CLIENT_CERT=")
		block, _ := pem.Decode([]byte(text))
		if !ok || block == nil || string(block.Bytes) != string(config.Certificates[0].Certificate[0]) {
			t.Fatalf("the process gets %q", variable)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	first, second := certificate(), certificate()
	key, ok := first.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is a %T", first.PublicKey)
	}
	if key.Equal(second.PublicKey) {
		t.Error("two processes trust one key")
	}
}
