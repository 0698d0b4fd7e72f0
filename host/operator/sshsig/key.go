package sshsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"

	"golang.org/x/crypto/ssh"
)

// The key types that may sign.
const (
	TypeEd25519   = ssh.KeyAlgoED25519   // "ssh-ed25519"
	TypeSKEd25519 = ssh.KeyAlgoSKED25519 // "sk-ssh-ed25519@openssh.com"
)

// Key is a public key. Keys can be compared with ==.
type Key struct {
	Type        string
	Application string // of a security key, usually "ssh:"

	public [ed25519.PublicKeySize]byte
}

// ParseKey reads a public key as OpenSSH encodes it; its files hold that in base64. The
// error is a *FormatError.
func ParseKey(raw []byte) (Key, error) {
	var head struct {
		Type string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(raw, &head); err != nil {
		return Key{}, malformed("the key is damaged")
	}
	var body struct{ Public []byte }
	out := Key{Type: head.Type}
	switch head.Type {
	case TypeEd25519:
		if err := ssh.Unmarshal(head.Rest, &body); err != nil {
			return Key{}, malformed("the %s key is damaged", head.Type)
		}
	case TypeSKEd25519:
		var sk struct {
			Public      []byte
			Application string
		}
		if err := ssh.Unmarshal(head.Rest, &sk); err != nil {
			return Key{}, malformed("the %s key is damaged", head.Type)
		}
		body.Public, out.Application = sk.Public, sk.Application
	default:
		return Key{}, malformed("the key is of type %.60q; only %s and %s may sign", head.Type, TypeEd25519, TypeSKEd25519)
	}
	if len(body.Public) != ed25519.PublicKeySize {
		return Key{}, malformed("the %s key has %d bytes instead of %d", head.Type, len(body.Public), ed25519.PublicKeySize)
	}
	copy(out.public[:], body.Public)
	if weak(out.public) {
		return Key{}, malformed("the %s key is not one that ssh-keygen makes: others could sign with it too", head.Type)
	}
	return out, nil
}

// Marshal returns the key as OpenSSH encodes it.
func (k Key) Marshal() []byte {
	if k.Type == TypeSKEd25519 {
		return ssh.Marshal(struct {
			Type        string
			Public      []byte
			Application string
		}{k.Type, k.public[:], k.Application})
	}
	return ssh.Marshal(struct {
		Type   string
		Public []byte
	}{k.Type, k.public[:]})
}

// Fingerprint returns "SHA256:…", as ssh-keygen -l prints it.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(k.Marshal())
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// OnSecurityKey reports whether the private key is on a FIDO2 device.
func (k Key) OnSecurityKey() bool { return k.Type == TypeSKEd25519 }
