package catalog

import (
	"errors"
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestAPanicFailsTheCall(t *testing.T) {
	var logged []string
	opts := Options{Log: func(_ mesh.LogLevel, plugin, message string) { logged = append(logged, message) }}.withDefaults()
	s := newSlot(Entry{Name: "p", Enabled: true}, &opts, &peerBook{})
	err := s.guarded("Probe.Sample", func() error { panic("boom") })
	if !errors.Is(err, ErrFailed) || !strings.HasPrefix(err.Error(), "plugin p: Probe.Sample: failed: panicked at guard_test.go:") || !strings.HasSuffix(err.Error(), ": boom") {
		t.Errorf("got %v", err)
	}
	if len(logged) != 1 || logged[0] != err.Error() {
		t.Errorf("logged %q", logged)
	}
}
