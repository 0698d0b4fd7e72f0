package main

import (
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	var s shell
	if code := s.run(t.Context(), "version", "--client"); code != exitDone || !strings.HasPrefix(s.out.String(), "meshos v1.2.3 (go") {
		t.Errorf("exit code %d: %s", code, s.out.String())
	}
	var f shell
	if code := f.run(t.Context(), "--version"); code != exitDone || f.out.String() != s.out.String() {
		t.Errorf("exit code %d: --version prints %s", code, f.out.String())
	}
	var j shell
	if code := j.run(t.Context(), "version", "--client", "-o", "json"); code != exitDone || !strings.Contains(j.out.String(), `"version":"v1.2.3"`) {
		t.Errorf("exit code %d: %s", code, j.out.String())
	}
}
