package pluginsdk_test

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// asTest calls f with what an example has no *testing.T for. In a test of yours f is the
// test itself: func TestDispatch(t *testing.T).
func asTest(f func(t testing.TB)) {
	t := &inExample{}
	defer func() {
		for i := range t.cleanups {
			t.cleanups[len(t.cleanups)-1-i]()
		}
	}()
	f(t)
}

// inExample has the methods of testing.TB that plugintest calls.
type inExample struct {
	testing.TB
	cleanups []func()
}

func (t *inExample) Helper() {}

func (t *inExample) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *inExample) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func (t *inExample) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *inExample) Output() io.Writer { return io.Discard }

func (t *inExample) TempDir() string {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("%v", err)
		}
	})
	return dir
}
