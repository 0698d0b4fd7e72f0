package sshsig_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/meshos/meshos/host/operator/sshsig"
)

// Anybody can sign for a key of small order: one message in eight is "signed" by the
// neutral element and a zero.
func TestB21_AKeyOfSmallOrderIsRefused(t *testing.T) {
	forged := append([]byte{1}, make([]byte, ed25519.SignatureSize-1)...)
	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		key, err := hex.DecodeString(point)
		if err != nil {
			t.Fatal(err)
		}
		works := false
		for i := uint64(0); i < 1000 && !works; i++ {
			works = ed25519.Verify(key, binary.BigEndian.AppendUint64(nil, i), forged)
		}
		if !works {
			t.Errorf("%s: no message could be forged, so it proves nothing here", point)
		}
		refused(t, key)
	}
	p := append([]byte{0xed}, make([]byte, 31)...)
	for i := 1; i < 31; i++ {
		p[i] = 0xff
	}
	p[31] = 0x7f
	refused(t, p) // 0, written another way
	p[0] = 0xff
	refused(t, p)
	p[0], p[31] = 0xed-2, 0x7f // p - 2 is as good as any other
	if _, err := sshsig.ParseKey(encoded(p)); err != nil {
		t.Error(err)
	}
}

func encoded(key []byte) []byte {
	return ssh.Marshal(struct {
		Type   string
		Public []byte
	}{sshsig.TypeEd25519, key})
}

func refused(t *testing.T, key []byte) {
	t.Helper()
	var malformed *sshsig.FormatError
	if _, err := sshsig.ParseKey(encoded(key)); !errors.As(err, &malformed) {
		t.Errorf("%x: %v", key, err)
	}
	security := ssh.Marshal(struct {
		Type, Public, Application string
	}{sshsig.TypeSKEd25519, string(key), "ssh:"})
	if _, err := sshsig.ParseKey(security); !errors.As(err, &malformed) {
		t.Errorf("of a security key, %x: %v", key, err)
	}
}
