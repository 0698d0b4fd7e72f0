package operator

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/host/operator/rules"
)

// A node that starts with a full disk still has a store.
func TestAStoreThatCouldNotBeWrittenAtTheStartIsWrittenLater(t *testing.T) {
	dir := t.TempDir()
	inTheWay := filepath.Join(dir, storeName)
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	used := entry{Nonce: &rules.Nonce{1}, Issued: 7}
	s, err := openStore(dir, func() []entry { return []entry{used} })
	if err == nil || s == nil {
		t.Fatalf("store %v: %v", s, err)
	}
	if err := s.write(s.enter(used)); err == nil {
		t.Error("written, and it can't be")
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := s.write(s.enter(used)); err != nil {
		t.Error(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	entries, bad, err := loadStore(dir)
	if err != nil || len(bad) > 0 || len(entries) != 1 || *entries[0].Nonce != *used.Nonce {
		t.Errorf("%v %v %v", entries, bad, err)
	}
}
