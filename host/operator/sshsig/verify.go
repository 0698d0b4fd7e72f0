package sshsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/ssh"
)

// What Verify ends with, beside nil.
var (
	// ErrNamespace says that the signature was made for another purpose.
	ErrNamespace = errors.New("it was made for another namespace")
	// ErrMismatch says that the key did not sign these bytes.
	ErrMismatch = errors.New("it does not fit the signed bytes and the key")
	// ErrShape says that what the key made is not of the shape that its type has.
	ErrShape = errors.New("it does not have the shape that its type of key makes")
	// ErrNotTouched says that nobody touched the security key when it signed.
	ErrNotTouched = errors.New("nobody touched the security key when it was made")
)

// Touch says whether a security key counts that nobody touched.
type Touch bool

// The two ways to treat security keys.
const (
	TouchRequired    Touch = true
	TouchNotRequired Touch = false
)

const (
	userPresent = 0x01 // a FIDO2 flag: somebody touched the device

	extensionData = 0x80 // FIDO2 flags that ssh signatures never carry:
	attestedData  = 0x40 // the layout below would not hold
)

// Verify says whether the signature was made over exactly message, in namespace.
// The error is one of the Err… values.
func (s Signature) Verify(namespace string, message []byte, touch Touch) error {
	if s.Namespace != namespace {
		return ErrNamespace
	}
	if s.blob.Format != s.Key.Type || len(s.blob.Blob) != ed25519.SignatureSize {
		return ErrShape
	}
	over := signed(s.Namespace, s.Hash, message)
	if s.Key.OnSecurityKey() {
		return s.verifyOnSecurityKey(over, touch)
	}
	if len(s.blob.Rest) != 0 {
		return ErrShape
	}
	if !ed25519.Verify(s.Key.public[:], over, s.blob.Blob) {
		return ErrMismatch
	}
	return nil
}

// verifyOnSecurityKey verifies what a FIDO2 device signed: the hash of the
// application, its flags and counter, and the hash of the bytes. The counter is
// part of the proof and of nothing else: devices may keep it at 0.
func (s Signature) verifyOnSecurityKey(over []byte, touch Touch) error {
	var said struct {
		Flags   byte
		Counter uint32
	}
	if err := ssh.Unmarshal(s.blob.Rest, &said); err != nil {
		return ErrShape
	}
	if said.Flags&(extensionData|attestedData) != 0 {
		return ErrShape
	}
	application := sha256.Sum256([]byte(s.Key.Application))
	message := sha256.Sum256(over)
	proof := append(application[:], ssh.Marshal(said)...)
	proof = append(proof, message[:]...)
	if !ed25519.Verify(s.Key.public[:], proof, s.blob.Blob) {
		return ErrMismatch
	}
	if touch == TouchRequired && said.Flags&userPresent == 0 {
		return ErrNotTouched
	}
	return nil
}
