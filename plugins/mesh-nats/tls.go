package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// linkKey is the ed25519 key by which a node is known on its links.
type linkKey [ed25519.PublicKeySize]byte

func (k linkKey) hash() [sha256.Size]byte { return sha256.Sum256(k[:]) }

// joiningExtension is where a certificate has what its owner hands in to become a member. The
// number is under 2.25, where anybody may make one.
func joiningExtension() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{2, 25, 0x6d657368, 0x6f73206e, 0x6a6f696e}
}

// maxJoining limits what a stranger may hand in.
const maxJoining = 4 << 10

// identity is the link key of this node with a certificate for it.
type identity struct {
	private ed25519.PrivateKey
	key     linkKey
	plain   tls.Certificate
}

func newIdentity(seed []byte) (*identity, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the key of this node's links has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	id := &identity{private: ed25519.NewKeyFromSeed(seed)}
	id.key = linkKey(id.private.Public().(ed25519.PublicKey))
	var err error
	id.plain, err = id.certificate(nil)
	return id, err
}

// certificate makes a certificate that the key signs itself. Nobody looks at anything in it
// but the key and the joining.
func (id *identity) certificate(joining []byte) (tls.Certificate, error) {
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "meshos node"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // never, RFC 5280
	}
	if joining != nil {
		template.ExtraExtensions = []pkix.Extension{{Id: joiningExtension(), Value: joining}}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, id.private.Public(), id.private)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the certificate of this node's links: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: crypto.Signer(id.private)}, nil
}

var (
	errNoKey     = errors.New("it presented no ed25519 key")
	errNotMember = errors.New("its key is not that of a member")
	errNotRouted = errors.New("its key is neither that of a seed nor that of a node that may hold chains")
	errNotSeed   = errors.New("its key is not that of a seed")
)

// keyOf returns the key of the other side of a connection. That it has the private key, TLS
// has checked.
func keyOf(state *tls.ConnectionState) (linkKey, error) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return linkKey{}, errNoKey
	}
	key, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return linkKey{}, errNoKey
	}
	return linkKey(key), nil
}

// joiningOf returns what the other side hands in with its certificate.
func joiningOf(state *tls.ConnectionState) []byte {
	for _, extension := range state.PeerCertificates[0].Extensions {
		if extension.Id.Equal(joiningExtension()) {
			return extension.Value
		}
	}
	return nil
}

// accepting returns the configuration of a server that asks check about each certificate.
func (id *identity) accepting(check func(tls.ConnectionState) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{id.plain},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true, // each link is checked anew
		VerifyConnection:       check,
	}
}

// connecting returns the configuration of a client that asks check about the server's
// certificate. No name in it counts, only its key.
func (id *identity) connecting(certificate tls.Certificate, check func(tls.ConnectionState) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{certificate},
		InsecureSkipVerify:     true, // check verifies it
		SessionTicketsDisabled: true,
		VerifyConnection:       check,
	}
}
