package main

import (
	"encoding/json"
	"os"
	"path/filepath"
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

// What a command changed on this machine is for people, and as JSON for what runs it.
func TestWhatAMeshCommandChangedIsPrintedAsJSON(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "meshos.toml")
	if err := os.WriteFile(path, []byte("[node]\nid = 4\ncluster = \"c\"\nname = \"delta\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (done meshDone, told string) {
		t.Helper()
		s := &shell{}
		if code := s.run(t.Context(), append([]string{"-c", path, "-o", "json"}, args...)...); code != exitDone {
			t.Fatalf("%v: exit %d\n%s", args, code, s.err.String())
		}
		if err := json.Unmarshal([]byte(s.out.String()), &done); err != nil {
			t.Fatalf("%v: %v in %q", args, err, s.out.String())
		}
		return done, s.err.String()
	}
	begun, told := run("mesh", "init", "--listen", "127.0.0.1:7420")
	if begun.Node != 4 || begun.Name != "delta" || !begun.Seed || begun.Cluster == "" || begun.Founding == "" || !strings.Contains(told, "is the first member of mesh "+begun.Cluster) {
		t.Errorf("init: %+v\n%s", begun, told)
	}
	if strings.Contains(told, "[[chain]]") {
		t.Errorf("init: %s", told)
	}
	adopted, told := run("mesh", "adopt", "--yes")
	if adopted.Height != 1 || adopted.Head != begun.Founding || adopted.Cluster != begun.Cluster || !strings.Contains(told, "it is in "+adopted.MovedTo) {
		t.Errorf("adopt: %+v\n%s", adopted, told)
	}
	left, told := run("mesh", "leave")
	if left.Node != 4 || !strings.Contains(told, "to "+left.MovedTo) {
		t.Errorf("leave: %+v\n%s", left, told)
	}
	if err := os.WriteFile(path, []byte("[node]\nid = 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := meshlog.Token{Cluster: "mesh-1", Node: 3, Seeds: []string{"127.0.0.1:7420"}, Key: make([]byte, 32), Expires: noon().Add(1)}
	text, err := token.Text()
	if err != nil {
		t.Fatal(err)
	}
	if joins, told := run("mesh", "join", text); joins != (meshDone{Cluster: "mesh-1", Node: 3}) || !strings.Contains(told, "is to become node 3") {
		t.Errorf("join: %+v\n%s", joins, told)
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
