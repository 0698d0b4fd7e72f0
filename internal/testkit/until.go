package testkit

import (
	"testing"
	"time"
)

// patience is how long a slow machine may need for anything.
const patience = 30 * time.Second

// Until waits for what nobody tells of, by asking again and again. It fails the test
// when it waited for as long as a slow machine may need, so it says nothing of how
// fast something is.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
