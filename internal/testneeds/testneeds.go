// Package testneeds is the one place that may skip a test: where the machine lacks what
// the test needs, such as a privilege. In CI, which has all of it, the test fails
// instead.
package testneeds

import (
	"os"
	"testing"
)

// Root skips the test unless it runs as root; what says what that is needed for.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "needs root, to %s", what)
	}
}

// Missing skips the test for a reason, or fails it in CI.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("this machine lacks what CI has to have: "+format, args...)
	}
	t.Skipf(format, args...)
}
