package sshsig

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Sign returns a signature over message in namespace, in binary form. The signer may be a
// key from a file or one in an ssh-agent.
func Sign(signer ssh.Signer, namespace string, message []byte) ([]byte, error) {
	key, err := ParseKey(signer.PublicKey().Marshal())
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", ssh.FingerprintSHA256(signer.PublicKey()), err)
	}
	sig, err := signer.Sign(rand.Reader, signed(namespace, "sha512", message))
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", key.Fingerprint(), err)
	}
	return append([]byte(magic), ssh.Marshal(envelope{
		Version:   version,
		PublicKey: key.Marshal(),
		Namespace: namespace,
		Hash:      "sha512",
		Signature: ssh.Marshal(sigBlob{sig.Format, sig.Blob, sig.Rest}),
	})...), nil
}

const (
	armorBegin = "-----BEGIN SSH SIGNATURE-----"
	armorEnd   = "-----END SSH SIGNATURE-----"
	armorWidth = 70
)

// Armor returns a signature as ssh-keygen writes it into a .sig file.
func Armor(raw []byte) []byte {
	var out bytes.Buffer
	out.WriteString(armorBegin + "\n")
	text := base64.StdEncoding.EncodeToString(raw)
	for len(text) > 0 {
		n := min(armorWidth, len(text))
		out.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	out.WriteString(armorEnd + "\n")
	return out.Bytes()
}

// Dearmor returns the binary form of what Armor or ssh-keygen wrote. The error is a
// *FormatError.
func Dearmor(text []byte) ([]byte, error) {
	body, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(armorBegin))
	if !ok {
		return nil, malformed("does not begin with %q", armorBegin)
	}
	body, ok = bytes.CutSuffix(body, []byte(armorEnd))
	if !ok {
		return nil, malformed("does not end with %q", armorEnd)
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(body)))
	if err != nil {
		return nil, malformed("is not base64 between its first and last line")
	}
	return raw, nil
}
