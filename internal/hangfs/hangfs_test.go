package hangfs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
)

func TestItAnswersExceptWhileItHangs(t *testing.T) {
	f := Mount(t)
	if err := os.WriteFile(filepath.Join(f.Behind, "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		text, err := os.ReadFile(filepath.Join(f.Dir, "file"))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	if got := read(); got != "text" {
		t.Errorf("got %q", got)
	}
	f.Hang()
	done := make(chan string)
	go func() { done <- read() }()
	select {
	case <-done:
		t.Error("it answers")
	case <-time.After(50 * time.Millisecond):
	}
	testkit.Until(t, "the request to wait", func() bool { return f.Waiting() == 1 })
	f.LetGo()
	if got := <-done; got != "text" {
		t.Errorf("got %q", got)
	}
}
