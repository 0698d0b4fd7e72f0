package nodekey_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/meshos/meshos/host/nodekey"
)

func TestAKeyIsMadeOnceAndStays(t *testing.T) {
	dir := t.TempDir()
	if _, err := nodekey.Read(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before: %v", err)
	}
	var all sync.WaitGroup
	keys := make([]*nodekey.Key, 8)
	for i := range keys {
		all.Go(func() {
			k, err := nodekey.Open(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i] = k
		})
	}
	all.Wait()
	again, err := nodekey.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("height 7")
	for _, k := range keys {
		if !ed25519.Verify(again.Public(), message, k.Sign(message)) {
			t.Error("somebody got another key")
		}
	}
	info, err := os.Stat(nodekey.Path(dir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(nodekey.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheKeyOfLinksFollowsFromTheNodesKeyAndIsAnotherOne(t *testing.T) {
	k, err := nodekey.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	seed, err := k.LinkSeed()
	if err != nil || len(seed) != ed25519.SeedSize {
		t.Fatalf("%d bytes, %v", len(seed), err)
	}
	public, err := k.LinkPublic()
	if err != nil || !public.Equal(ed25519.NewKeyFromSeed(seed).Public()) || public.Equal(k.Public()) {
		t.Errorf("%x, %v", public, err)
	}
	if again, _ := k.LinkSeed(); !bytes.Equal(seed, again) {
		t.Error("it changes")
	}
	other, err := nodekey.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if seeds, _ := other.LinkSeed(); bytes.Equal(seed, seeds) {
		t.Error("two nodes have one key")
	}
}

func TestAKeyThatIsExposedOrDamagedIsRefusedAndNotReplaced(t *testing.T) {
	dir := t.TempDir()
	if _, err := nodekey.Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(nodekey.Path(dir), 0o640); err != nil {
		t.Fatal(err)
	}
	var exposed *nodekey.ExposedError
	if _, err := nodekey.Open(dir); !errors.As(err, &exposed) || exposed.Mode != 0o640 {
		t.Errorf("exposed: %v", err)
	}
	if err := os.Chmod(nodekey.Path(dir), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(nodekey.Path(dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var damaged *nodekey.DamagedError
		if _, err := nodekey.Open(dir); !errors.As(err, &damaged) {
			t.Errorf("%q: %v", text, err)
		}
		if left, _ := os.ReadFile(nodekey.Path(dir)); string(left) != text {
			t.Errorf("%q became %q", text, left)
		}
	}
}
