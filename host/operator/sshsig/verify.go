package sshsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/ssh"
)

// The errors of Verify. Their texts follow the name of the signature.
var (
	// ErrNamespace means that the signature was made for another purpose.
	ErrNamespace = errors.New("it was made for another namespace")
	// ErrMismatch means that the key did not sign these bytes.
	ErrMismatch = errors.New("it was not made with this key over these bytes")
	// ErrShape means that the signature does not have the form that the key type makes.
	ErrShape = errors.New("it does not have the form that a key of its type makes")
	// ErrNotTouched means that nobody touched the security key when it signed.
	ErrNotTouched = errors.New("nobody touched the security key when it was made")
)

// Touch says whether a security key must have been touched when it signed.
type Touch bool

// The values of Touch.
const (
	TouchRequired    Touch = true
	TouchNotRequired Touch = false
)

const (
	userPresent = 0x01 // a FIDO2 flag: somebody touched the device

	extensionData = 0x80 // FIDO2 flags that ssh signatures never have, since more
	attestedData  = 0x40 // data than verifyOnSecurityKey expects would follow
)

// Verify returns nil if the signature was made over exactly message, in namespace. The
// error is one of the Err… values.
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

// verifyOnSecurityKey verifies what a FIDO2 device signed: the hash of the application,
// the device's flags and counter, and the hash of the bytes. The value of the counter is
// not checked: devices may keep it at 0.
func (s Signature) verifyOnSecurityKey(over []byte, touch Touch) error {
	var device struct {
		Flags   byte
		Counter uint32
	}
	if err := ssh.Unmarshal(s.blob.Rest, &device); err != nil {
		return ErrShape
	}
	if device.Flags&(extensionData|attestedData) != 0 {
		return ErrShape
	}
	application := sha256.Sum256([]byte(s.Key.Application))
	message := sha256.Sum256(over)
	proof := append(application[:], ssh.Marshal(device)...)
	proof = append(proof, message[:]...)
	if !ed25519.Verify(s.Key.public[:], proof, s.blob.Blob) {
		return ErrMismatch
	}
	if touch == TouchRequired && device.Flags&userPresent == 0 {
		return ErrNotTouched
	}
	return nil
}
