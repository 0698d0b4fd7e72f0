package main

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/meshlog"
)

func TestTheConfigurationIsChangedByAddingText(t *testing.T) {
	e := editToml("# alpha\n[node]\nid = 1 # the first\n\n[loop]\nid = 7\n")
	e.set("cluster", `"mesh-1"`)
	e.set("id", "3")
	e.add(pluginEntry("10.0.0.1:7420", []string{"10.0.0.1:7420"})...)
	const want = `# alpha
[node]
cluster = "mesh-1"
#id = 1 # the first
id = 3

[loop]
id = 7

[[plugin]]
name = "mesh-nats"
[plugin.config]
listen = "10.0.0.1:7420"
seeds = ["10.0.0.1:7420"]
`
	if got := e.text(); got != want {
		t.Errorf("changed to:\n%s", got)
	}
	if shown := strings.Join(e.shown, "\n"); !strings.Contains(shown, "- id = 1 # the first\n+ id = 3") {
		t.Errorf("shows:\n%s", shown)
	}
	bare := editToml("")
	bare.set("id", "3")
	if cfg, err := config.Parse("meshos.toml", bare.text()); err != nil || cfg.Node.ID != 3 {
		t.Errorf("%q: %v", bare.text(), err)
	}
}

func TestATokenIsOneWord(t *testing.T) {
	in := meshlog.Token{Cluster: "c", Node: 3, Seed: true, Founding: cluster.Hash{1}, Seeds: []string{"a:1"}, Pins: [][]byte{make([]byte, 32)}, Key: make([]byte, 32)}
	text, err := in.Text()
	if err != nil || strings.ContainsAny(text, " \n\"") {
		t.Fatalf("%q, %v", text, err)
	}
	out, err := meshlog.ParseToken(" " + text + "\n")
	if err != nil || out.Node != 3 || !out.Seed || out.Founding != in.Founding || len(out.Pins) != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	for _, bad := range []string{"", "meshos2.x", text[:len(text)-9], "meshos1.e30"} {
		if _, err := meshlog.ParseToken(bad); err == nil {
			t.Errorf("%q is taken for a token", bad)
		}
	}
}
