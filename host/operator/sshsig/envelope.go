package sshsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// MaxSize bounds a signature in binary form, in bytes. Signatures of the supported keys
// have about 200.
const MaxSize = 2048

const (
	magic   = "SSHSIG"
	version = 1
)

// Signature is a decoded SSHSIG. It is not verified yet.
type Signature struct {
	Key       Key
	Namespace string
	Hash      string // "sha512" or "sha256"

	blob sigBlob
}

// envelope is what follows the magic, as PROTOCOL.sshsig describes it.
type envelope struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	// Reserved must be ignored, says PROTOCOL.sshsig.
	Reserved  []byte
	Hash      string
	Signature []byte
}

// sigBlob is the signature itself. Rest is what a security key adds.
type sigBlob struct {
	Format string
	Blob   []byte
	Rest   []byte `ssh:"rest"`
}

// FormatError means that bytes are not a signature or a key that this package can read.
type FormatError struct{ Problem string }

// Error implements error.
func (e *FormatError) Error() string { return e.Problem }

func malformed(format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...)}
}

// Parse reads a signature in binary form. The error is a *FormatError.
func Parse(raw []byte) (Signature, error) {
	if len(raw) > MaxSize {
		return Signature{}, malformed("has %d bytes; a signature has at most %d", len(raw), MaxSize)
	}
	rest, ok := bytes.CutPrefix(raw, []byte(magic))
	if !ok {
		if bytes.HasPrefix(raw, []byte(armorBegin)) {
			return Signature{}, malformed("is armored; decode what is between its first and last line")
		}
		return Signature{}, malformed("is not an OpenSSH signature: it does not begin with %s", magic)
	}
	var e envelope
	if err := ssh.Unmarshal(rest, &e); err != nil {
		return Signature{}, malformed("is not a complete OpenSSH signature")
	}
	if e.Version != version {
		return Signature{}, malformed("has version %d of the format; only version %d is supported", e.Version, version)
	}
	if e.Hash != "sha512" && e.Hash != "sha256" {
		return Signature{}, malformed("uses the hash %.20q; only sha512 and sha256 are supported", e.Hash)
	}
	key, err := ParseKey(e.PublicKey)
	if err != nil {
		return Signature{}, err
	}
	out := Signature{Key: key, Namespace: e.Namespace, Hash: e.Hash}
	if err := ssh.Unmarshal(e.Signature, &out.blob); err != nil {
		return Signature{}, malformed("contains an incomplete signature")
	}
	return out, nil
}

// signed returns the bytes that are signed for a message: its hash with the namespace, so
// that a signature made for one purpose is not valid for another.
func signed(namespace, hash string, message []byte) []byte {
	var sum []byte
	if hash == "sha256" {
		s := sha256.Sum256(message)
		sum = s[:]
	} else {
		s := sha512.Sum512(message)
		sum = s[:]
	}
	return append([]byte(magic), ssh.Marshal(struct {
		Namespace string
		Reserved  []byte
		Hash      string
		Sum       []byte
	}{namespace, nil, hash, sum})...)
}
