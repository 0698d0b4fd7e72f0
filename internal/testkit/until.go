package testkit

import (
	"testing"
	"time"
)

// patience is how long a slow machine may take for anything.
const patience = 30 * time.Second

// Until polls a condition that has no notification. It fails the test only after patience,
// so it is not a test of how long something takes.
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
