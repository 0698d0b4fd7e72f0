package main

import (
	"testing"

	"github.com/meshos/meshos/internal/golden"
)

func TestPluginList(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "plugin", "list"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/plugin-list.txt", s.out.String())
}

func TestPluginDescribe(t *testing.T) {
	_, s := start(t)
	if code := s.run(t.Context(), "plugin", "describe", "health-tcp"); code != exitDone {
		t.Fatalf("exit code %d: %s", code, s.err.String())
	}
	golden.Check(t, "testdata/plugin-describe.txt", s.out.String())
}

func TestPluginDescribeOfAnUnknownPlugin(t *testing.T) {
	_, s := start(t)
	code := s.run(t.Context(), "plugin", "describe", "nope")
	if code != exitFailed || s.err.String() != "meshos: the configuration has no plugin \"nope\"\n" {
		t.Errorf("exit code %d: %s", code, s.err.String())
	}
}
