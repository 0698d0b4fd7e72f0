package testkit

import (
	"testing"
	"time"
)

// Patience is how long a slow machine that many share may take for anything. Whoever waits for it
// loses nothing when the test passes.
const Patience = 2 * time.Minute

// Until polls a condition that has no notification, the less often the longer it takes, so
// that tests that wait leave the processors to those that do not. It fails the test only after
// Patience, so it is not a test of how long something takes.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	UntilWithin(t, Patience, func() string { return what }, ok)
}

// UntilWithin is Until with another patience, for what takes several machines. what is asked
// when that is over, and may say how far it came.
func UntilWithin(t testing.TB, patience time.Duration, what func() string, ok func() bool) {
	t.Helper()
	const often, seldom = 2 * time.Millisecond, 50 * time.Millisecond
	for began := time.Now(); !ok(); {
		waited := time.Since(began)
		if waited > patience {
			t.Fatalf("not within %s: %s", patience, what())
		}
		<-time.After(min(max(waited/10, often), seldom))
	}
}
