package nodekey

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

// linkInfo separates the key of links from whatever else may be derived one day.
const linkInfo = "meshos link key v1"

// Key is the key of a node.
type Key struct{ private ed25519.PrivateKey }

// newKey draws a key.
func newKey() (*Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw the node's key: %w", err)
	}
	return &Key{private}, nil
}

// Public returns the public key.
func (k *Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Sign returns the signature of a message.
func (k *Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// LinkSeed returns the seed of the ed25519 key for links to other nodes: HKDF-SHA256 of the
// seed of the node's own key.
func (k *Key) LinkSeed() ([]byte, error) {
	seed, err := hkdf.Key(sha256.New, k.private.Seed(), nil, linkInfo, ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("derive the key of links: %w", err)
	}
	return seed, nil
}

// LinkPublic returns the public key for links.
func (k *Key) LinkPublic() (ed25519.PublicKey, error) {
	seed, err := k.LinkSeed()
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), nil
}
