package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFailures(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "failures"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	want := "12:00:00.000 plugin:health-tcp: exited: signal: killed\n12:00:00.000 action:2: no actuator\n"
	if diff := cmp.Diff(want, s.out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
