package sshsig_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/sshsig"
)

const message = "\x00what is signed\xff"

func TestASignatureCountsForItsBytesOnly(t *testing.T) {
	signer, _ := newKey(t, 1)
	sig := parse(t, sign(t, signer, message))
	if err := sig.Verify(namespace, []byte(message), sshsig.TouchRequired); err != nil {
		t.Fatal(err)
	}
	if got, want := sig.Key.Fingerprint(), ssh.FingerprintSHA256(signer.PublicKey()); got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
	for i := range len(message) {
		changed := []byte(message)
		changed[i] ^= 1
		if err := sig.Verify(namespace, changed, sshsig.TouchRequired); !errors.Is(err, sshsig.ErrMismatch) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
	if err := sig.Verify("git", []byte(message), sshsig.TouchRequired); !errors.Is(err, sshsig.ErrNamespace) {
		t.Errorf("another namespace: %v", err)
	}
}

func TestOperator044_NoBitOfASignatureCanBeFlipped(t *testing.T) {
	plain, private := newKey(t, 1)
	for name, signer := range map[string]ssh.Signer{
		"ed25519": plain, "security key": securityKey{private: private, flags: 1, counter: 7},
	} {
		raw := sign(t, signer, message)
		for bit := range 8 * len(raw) {
			flipped := bytes.Clone(raw)
			flipped[bit/8] ^= 1 << (bit % 8)
			sig, err := sshsig.Parse(flipped)
			if err == nil {
				err = sig.Verify(namespace, []byte(message), sshsig.TouchRequired)
			}
			if err == nil {
				t.Errorf("%s: bit %d of byte %d can be flipped", name, bit%8, bit/8)
			}
		}
		for n := range len(raw) {
			if _, err := sshsig.Parse(raw[:n]); err == nil {
				t.Errorf("%s: the first %d bytes are taken for a signature", name, n)
			}
		}
		if _, err := sshsig.Parse(append(bytes.Clone(raw), 0)); err == nil {
			t.Errorf("%s: a byte behind the signature is ignored", name)
		}
	}
}

func TestASecurityKeyHasToBeTouched(t *testing.T) {
	_, private := newKey(t, 1)
	for _, c := range []struct {
		name  string
		key   securityKey
		touch sshsig.Touch
		want  error
	}{
		{"touched", securityKey{private: private, flags: 0x01, counter: 9}, sshsig.TouchRequired, nil},
		{"touched, with PIN", securityKey{private: private, flags: 0x05}, sshsig.TouchRequired, nil},
		{"not touched", securityKey{private: private, counter: 9}, sshsig.TouchRequired, sshsig.ErrNotTouched},
		{"not touched, nor has to be", securityKey{private: private, counter: 9}, sshsig.TouchNotRequired, nil},
		{"flags of another layout", securityKey{private: private, flags: 0x81}, sshsig.TouchRequired, sshsig.ErrShape},
	} {
		sig := parse(t, sign(t, c.key, message))
		if !sig.Key.OnSecurityKey() || sig.Key.Application != "ssh:" {
			t.Fatalf("%s: read as %+v", c.name, sig.Key)
		}
		if err := sig.Verify(namespace, []byte(message), c.touch); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestWhatIsNotASignatureIsNamed(t *testing.T) {
	plain, _ := newKey(t, 1)
	good := sign(t, plain, message)
	for want, raw := range map[string][]byte{
		"does not begin with SSHSIG":       []byte("junk"),
		"at most 2048":                     make([]byte, 5000),
		"is armored":                       sshsig.Armor(good),
		"version 2":                        bytes.Replace(good, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}, 1),
		"not a complete OpenSSH signature": good[:40],
		`uses the hash "sha999"`:           bytes.Replace(good, []byte("sha512"), []byte("sha999"), 1),
		`type "ssh-ed99999"`:               bytes.Replace(good, []byte("ssh-ed25519"), []byte("ssh-ed99999"), 1),
	} {
		var format *sshsig.FormatError
		if _, err := sshsig.Parse(raw); !errors.As(err, &format) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestArmorIsUndone(t *testing.T) {
	plain, _ := newKey(t, 1)
	raw := sign(t, plain, message)
	back, err := sshsig.Dearmor(sshsig.Armor(raw))
	if err != nil || !bytes.Equal(back, raw) {
		t.Errorf("got %x, %v", back, err)
	}
	for _, bad := range []string{"", "x", "-----BEGIN SSH SIGNATURE-----\nAAAA", "-----BEGIN SSH SIGNATURE-----\n!!\n-----END SSH SIGNATURE-----"} {
		if _, err := sshsig.Dearmor([]byte(bad)); err == nil {
			t.Errorf("%q is taken for armor", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	plain, private := newKey(f, 1)
	f.Add(sign(f, plain, message))
	f.Add(sign(f, securityKey{private: private, flags: 1}, message))
	f.Fuzz(func(t *testing.T, raw []byte) {
		sig, err := sshsig.Parse(raw)
		if err != nil {
			return
		}
		again, err := sshsig.ParseKey(sig.Key.Marshal())
		if err != nil || again != sig.Key {
			t.Errorf("the key %+v reads back as %+v, %v", sig.Key, again, err)
		}
		if sig.Verify(namespace, []byte("nobody signed this"), sshsig.TouchNotRequired) == nil {
			t.Error("a forged signature verifies")
		}
	})
}
