package pluginsdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/pluginsdk/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

type pageConfig struct {
	RTT    Duration `json:"rtt" default:"1ms" min:"0s" doc:"round-trip time to every peer"`
	Target string   `json:"target" required:"true" doc:"whom to ask"`
	Mode   string   `json:"mode" enum:"fast,careful"`
}

// pages is a plugin of several kinds, for tests of what a person sees.
type pages struct {
	cfg   pageConfig
	asked int
}

func (p *pages) SampleRTT(_ context.Context, peers []Peer) (out []RTTSample, _ error) {
	if p.asked++; p.asked < 3 { // as a probe that measures in the background
		return nil, nil
	}
	for _, peer := range peers {
		out = append(out, RTTSample{Peer: peer.ID, RTT: time.Duration(p.cfg.RTT)})
	}
	if p.cfg.Target == "liar" {
		out = append(out, RTTSample{Peer: 2, RTT: 1}, RTTSample{Peer: 9, RTT: 1}, RTTSample{Peer: 2, RTT: -1})
	}
	return out, nil
}

func (p *pages) SampleHealth(_ context.Context, peers []Peer) (out []HealthSample, _ error) {
	if p.cfg.Mode == "careful" {
		return nil, errors.New("too careful to ask")
	}
	if p.cfg.Mode == "fast" {
		panic("too fast")
	}
	return []HealthSample{{Peer: peers[0].ID, Health: Degraded}}, nil
}

func (p *pages) SampleInventory(context.Context) ([]*meshosv1.PeerInventory, error) {
	load := 0.5
	return []*meshosv1.PeerInventory{{Peer: 1, CpuLoad_1M: &load, Capabilities: []string{"arch:x"}}}, nil
}

func (p *pages) ListMigrations(context.Context) ([]*meshosv1.MigrationView, error) { return nil, nil }

func (p *pages) Append(context.Context, []*meshosv1.Record) error { return nil }

func (p *pages) Warnings() []string { return []string{"this plugin is a test"} }

func newPages(_ Env, cfg pageConfig) (*pages, error) {
	if cfg.Target == "nowhere" {
		return nil, errors.New("nowhere is no place")
	}
	return &pages{cfg: cfg}, nil
}

func TestOutputForPeople(t *testing.T) {
	config := t.TempDir() + "/config.json"
	if err := os.WriteFile(config, []byte(`{"target":"a","mode":"careful"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, args, in string
		env            map[string]string
	}{
		{name: "no-arguments"},
		{name: "help", args: "--help"},
		{name: "describe", args: "describe"},
		{name: "version", args: "version"},
		{name: "unknown-command", args: "descibe"},
		{name: "too-many-arguments", args: "version now"},
		{name: "another-cookie", env: map[string]string{wire.CookieKey: "meshos.plugin.v9"}},
		{name: "run", args: "run --wait 500ms --config - --peer id=2,address=a --peer id=3,name=c,health=c:1", in: `{"target":"a","rtt":"20ms"}`},
		{name: "run-lies", args: "run --wait 500ms --config - --peer id=2 --peer id=3", in: `{"target":"liar"}`},
		{name: "run-fails", args: "run --config CONFIG --peer id=2 --wait 0s"},
		{name: "run-panics", args: "run --config - --peer id=2 --wait 0s", in: `{"target":"a","mode":"fast"}`},
		{name: "run-wrong-configuration", args: "run --config -", in: `{"rtt":"-1s","targt":"x"}`},
		{name: "run-not-json", args: "run --config -", in: `rtt = "1s"`},
		{name: "run-no-file", args: "run --config /nowhere/at/all.json"},
		{name: "run-constructor-fails", args: "run --config -", in: `{"target":"nowhere"}`},
		{name: "run-wrong-peer", args: "run --peer address=a"},
		{name: "run-wrong-flag", args: "run --peers 3"},
		{name: "run-help", args: "run -h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs strings.Builder
			p := &program{
				info: Info{Name: "pages", Version: "1.2.3", Doc: "Serves pages for a test."},
				path: "bin/plugins/pages", in: strings.NewReader(c.in), out: &out, err: &errs,
				args: strings.Fields(strings.Replace(c.args, "CONFIG", config, 1)),
				env:  func(key string) (string, bool) { v, ok := c.env[key]; return v, ok },
				server: func(log hclog.Logger) (*Server, error) {
					info := Info{Name: "pages", Version: "1.2.3", Doc: "Serves pages for a test."}
					return NewServer(info, newPages, quiet(log))
				},
			}
			code := p.run()
			golden.Check(t, "testdata/"+c.name+".txt", fmt.Sprintf("$ pages %s\n%s%sexit %d\n", c.args, mark("", out.String()), mark("! ", errs.String()), code))
		})
	}
}

// quiet drops the log: its lines have times and stacks.
func quiet(hclog.Logger) hclog.Logger { return hclog.NewNullLogger() }

// mark puts a prefix before every line.
func mark(prefix, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(prefix + line)
	}
	return b.String()
}

func TestDurationsReadAndWriteTheSame(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Minute: "1m", time.Hour: "1h", 90 * time.Second: "1m30s", 10 * time.Second: "10s",
		250 * time.Millisecond: "250ms", time.Hour + time.Second: "1h0m1s", 100 * time.Minute: "1h40m",
		-10 * time.Minute: "-10m",
	} {
		var back Duration
		if err := back.UnmarshalText([]byte(Duration(d).String())); err != nil || time.Duration(back) != d {
			t.Errorf("%s came back as %s, %v", d, back, err)
		}
		if got := Duration(d).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if err := new(Duration).UnmarshalText([]byte("5")); err == nil {
		t.Error("5 was taken for a duration")
	}
}
