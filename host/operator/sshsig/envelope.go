package sshsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// MaxSize bounds a signature in binary form, in bytes. Those of the keys that are
// known here take some 200.
const MaxSize = 2048

const (
	magic   = "SSHSIG"
	version = 1
)

// Signature is one SSHSIG, taken apart but not verified.
type Signature struct {
	Key       Key
	Namespace string
	Hash      string // "sha512" or "sha256"

	blob sigBlob
}

// envelope is what follows the magic, as PROTOCOL.sshsig has it.
type envelope struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	// Reserved is to be ignored by those who don't know what it is for.
	Reserved  []byte
	Hash      string
	Signature []byte
}

// sigBlob is the signature itself. Rest holds what a security key adds.
type sigBlob struct {
	Format string
	Blob   []byte
	Rest   []byte `ssh:"rest"`
}

// FormatError says that bytes are no signature that can be verified here.
type FormatError struct{ Problem string }

// Error implements error.
func (e *FormatError) Error() string { return e.Problem }

func malformed(format string, args ...any) error {
	return &FormatError{Problem: fmt.Sprintf(format, args...)}
}

// Parse reads a signature in binary form. The error is a *FormatError.
func Parse(raw []byte) (Signature, error) {
	if len(raw) > MaxSize {
		return Signature{}, malformed("has %d bytes, more than the %d that a signature may have", len(raw), MaxSize)
	}
	rest, ok := bytes.CutPrefix(raw, []byte(magic))
	if !ok {
		if bytes.HasPrefix(raw, []byte(armorBegin)) {
			return Signature{}, malformed("is armored; decode what stands between its first and last line")
		}
		return Signature{}, malformed("is no OpenSSH signature: it does not begin with %s", magic)
	}
	var e envelope
	if err := ssh.Unmarshal(rest, &e); err != nil {
		return Signature{}, malformed("is no whole OpenSSH signature")
	}
	if e.Version != version {
		return Signature{}, malformed("is of version %d of the format, and only %d is known", e.Version, version)
	}
	if e.Hash != "sha512" && e.Hash != "sha256" {
		return Signature{}, malformed("hashes with %.20q, and only sha512 and sha256 are known", e.Hash)
	}
	key, err := ParseKey(e.PublicKey)
	if err != nil {
		return Signature{}, err
	}
	out := Signature{Key: key, Namespace: e.Namespace, Hash: e.Hash}
	if err := ssh.Unmarshal(e.Signature, &out.blob); err != nil {
		return Signature{}, malformed("holds no whole signature")
	}
	return out, nil
}

// signed gives the bytes that are signed for a message: not the message itself but
// its hash, with the namespace, so that a signature made for another purpose does
// not count.
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
