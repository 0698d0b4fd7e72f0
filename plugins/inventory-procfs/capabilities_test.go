package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCapabilities(t *testing.T) {
	m := machine{arch: "amd64", os: "linux", kernel: "6.18.1", features: []string{"fpu", "avx2", "aes", "avx2", "syscall"}}
	got := m.capabilities([]string{"zone.b", "gpu", " gpu ", "arch.amd64", ""})
	want := []string{"arch.amd64", "cpu.aes", "cpu.avx2", "gpu", "kernel.6.18.1", "os.linux", "zone.b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sorted and unique (-want +got):\n%s", diff)
	}
	if got := (machine{}).capabilities(nil); len(got) != 0 {
		t.Errorf("of nothing: %q", got)
	}
}
