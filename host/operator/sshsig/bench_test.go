package sshsig_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/meshos/meshos/host/operator/sshsig"
)

// A command takes some 100 bytes; what is signed for it is of a fixed size.
func BenchmarkVerify(b *testing.B) {
	signer, private := newKey(b, 1)
	payload := bytes.Repeat([]byte{7}, 100)
	raw, err := sshsig.Sign(signer, namespace, payload)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("sshsig", func(b *testing.B) {
		for b.Loop() {
			sig, err := sshsig.Parse(raw)
			if err == nil {
				err = sig.Verify(namespace, payload, sshsig.TouchRequired)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain-ed25519", func(b *testing.B) {
		public, sig := private.Public().(ed25519.PublicKey), ed25519.Sign(private, payload)
		for b.Loop() {
			if !ed25519.Verify(public, payload, sig) {
				b.Fatal("does not verify")
			}
		}
	})
}
