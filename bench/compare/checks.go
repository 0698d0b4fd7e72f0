package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	checkTargets = 200
	checkSeconds = 10 // each target is checked once a second
)

// blackboxModules is the configuration of blackbox_exporter.
const blackboxModules = `modules:
  tcp: {prober: tcp, timeout: 1s}
  http: {prober: http, timeout: 1s}
`

// checks compares health-tcp with blackbox_exporter, which makes a check when it is asked by HTTP.
func checks() row {
	return blackboxRow("tcp-checks", "a connection a second to each of 200 targets", "health-tcp", "tcp", "tcp://")
}

// scrapes compares health-http with blackbox_exporter.
func scrapes() row {
	return blackboxRow("http-checks", "an HTTP request a second to each of 200 targets", "health-http", "http", "http://")
}

func blackboxRow(name, what, plugin, module, scheme string) row {
	const program = "prometheus-blackbox-exporter"
	return row{
		name: name, what: what, peer: "blackbox_exporter", tools: []tool{{program, program}},
		round: func(ctx context.Context, b *bench) ([]figure, error) {
			address, closeTarget, err := target()
			if err != nil {
				return nil, err
			}
			defer closeTarget()
			ours, err := ownChecks(ctx, b, plugin, scheme+address)
			if err != nil {
				return nil, err
			}
			theirs, err := blackbox(ctx, b, program, module, scheme+address)
			if err != nil {
				return nil, err
			}
			return []figure{{Name: "CPU for 10,000 checks", Unit: "s", Ours: ours, Peer: theirs, Wanted: "< 1"}}, nil
		},
	}
}

// target is what is checked: a server of this process, so that its CPU time counts for nobody.
func target() (address string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }),
		ReadHeaderTimeout: time.Second,
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }()
	return l.Addr().String(), func() { _ = server.Close(); <-ended }, nil
}

// ownChecks returns the CPU time for 10,000 checks, in seconds.
func ownChecks(ctx context.Context, b *bench, name, target string) (float64, error) {
	peers := make([]*pluginv1.Peer, checkTargets)
	for i := range peers {
		peers[i] = &pluginv1.Peer{Id: uint64(i + 2), HealthTarget: target}
	}
	p, err := b.run(ctx, name, map[string]any{"interval": "1s"}, peers)
	if err != nil {
		return 0, err
	}
	defer p.end()
	probe, err := p.HealthProbe(p.name)
	if err != nil {
		return 0, err
	}
	if err := rest(ctx, 2*time.Second); err != nil {
		return 0, err
	}
	cpu, err := usage(p.pid(), func() error {
		for range checkSeconds {
			if err := rest(ctx, time.Second); err != nil {
				return err
			}
			got, err := probe.SampleHealth(ctx)
			if err == nil && len(got.Samples) != checkTargets {
				err = fmt.Errorf("%s knows %d of %d targets", name, len(got.Samples), checkTargets)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return cpu / (checkTargets * checkSeconds) * 10_000, err
}

func blackbox(ctx context.Context, b *bench, program, module, target string) (float64, error) {
	modules := filepath.Join(b.dir, "blackbox.yml")
	if err := os.WriteFile(modules, []byte(blackboxModules), 0o600); err != nil {
		return 0, err
	}
	address, err := freePort()
	if err != nil {
		return 0, err
	}
	s, err := serve(ctx, "http://"+address+"/metrics", program, "--config.file="+modules, "--web.listen-address="+address)
	if err != nil {
		return 0, err
	}
	defer s.end()
	if module == "tcp" {
		target = target[len("tcp://"):]
	}
	probe := "http://" + address + "/probe?module=" + module + "&target=" + url.QueryEscape(target)
	cpu, err := usage(s.pid(), func() error {
		for range checkSeconds {
			second := time.After(time.Second)
			for range checkTargets {
				if _, err := get(ctx, probe); err != nil {
					return err
				}
			}
			<-second
		}
		return nil
	})
	return cpu / (checkTargets * checkSeconds) * 10_000, err
}
