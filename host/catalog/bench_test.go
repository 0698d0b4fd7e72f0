package catalog_test

import (
	"context"
	"testing"

	"github.com/meshos/meshos/host/catalog"
	"github.com/meshos/meshos/host/snapshot"
)

// BenchmarkCall is one whole call to a plugin and back.
func BenchmarkCall(b *testing.B) {
	r := start(b, []catalog.Entry{entry("p", "")})
	r.waitFor("p", snapshot.PluginReady)
	probe := r.locality("p")
	for b.Loop() {
		if _, err := probe.SampleRTT(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStart is one whole life of a plugin: from Run to ready, and to its end.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		r := start(b, []catalog.Entry{entry("p", "")})
		r.waitFor("p", snapshot.PluginReady)
		if err := r.stop(); err != nil {
			b.Fatal(err)
		}
	}
}
