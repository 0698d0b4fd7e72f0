package catalog

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/catalog/answers"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// probeWithin is how long one ProbeNow may take: a minute is the longest timeout that the
// probes of meshos can be given, and finding the MTU of a path takes about as long.
const probeWithin = 75 * time.Second

// UnknownPeerError is a call about a peer that the configuration does not have.
type UnknownPeerError struct{ Peer uint64 }

// Error implements error.
func (e *UnknownPeerError) Error() string {
	return fmt.Sprintf("the configuration has no peer %d", e.Peer)
}

// Probe has all probes of peers measure one now, at the same time, and returns what each of
// them found. Of a probe that measures in the background only it returns the last sample.
// The error is an *UnknownPeerError.
func (c *Catalog) Probe(ctx context.Context, peer uint64, pathMTU bool) (*hostv1.ProbeResponse, error) {
	_, peers := c.peers.get()
	i := slices.IndexFunc(peers, func(p *pluginv1.Peer) bool { return p.GetId() == peer })
	if i < 0 {
		return nil, &UnknownPeerError{peer}
	}
	p := peers[i]
	findings := make([]*hostv1.ProbeFinding, len(c.slots))
	var probing sync.WaitGroup
	for n, s := range c.slots {
		if !s.serves(KindLocalityProbe) && !s.serves(KindHealthProbe) {
			continue
		}
		probing.Go(func() { findings[n] = s.probe(ctx, p, pathMTU) })
	}
	probing.Wait()
	return &hostv1.ProbeResponse{
		Peer: peer, Name: p.GetName(), Address: p.GetAddress(), HealthTarget: p.GetHealthTarget(),
		Findings: slices.DeleteFunc(findings, func(f *hostv1.ProbeFinding) bool { return f == nil }),
	}, nil
}

// probe has the plugin measure a peer now. If it can't, that is said, and the result is its
// last sample. It returns nil if the plugin does not measure this peer.
func (s *slot) probe(ctx context.Context, peer *pluginv1.Peer, pathMTU bool) *hostv1.ProbeFinding {
	s.mu.Lock()
	can := s.instance == nil || s.instance.probesNow
	concerned := s.instance == nil || s.measures(peer)
	s.mu.Unlock()
	if !concerned {
		return nil
	}
	out := &hostv1.ProbeFinding{Plugin: s.entry().Name}
	if can {
		began := s.opts.Now()
		result, err := ask(ctx, s, probeWithin, "Plugin.ProbeNow",
			func(ctx context.Context, conn grpc.ClientConnInterface) (*meshosv1.ProbeResult, error) {
				return pluginv1.NewPluginClient(conn).ProbeNow(ctx, &pluginv1.ProbeNowRequest{Peer: peer.GetId(), PathMtu: pathMTU})
			},
			func(answer *meshosv1.ProbeResult) (*meshosv1.ProbeResult, answers.Discarded, error) {
				return answers.Probe(answer, peer.GetId()), answers.Discarded{}, nil
			})
		if err == nil {
			out.Result, out.Measured, out.Took = result, true, durationpb.New(s.opts.Now().Sub(began))
			return out
		}
		out.Error = err.Error()
	}
	if last, age := s.lastSamples(mesh.NodeID(peer.GetId())); last != nil {
		out.Result, out.Age = last, durationpb.New(age)
	}
	if out.Result == nil && out.Error == "" {
		out.Error = "it measures in the background only, and has said nothing of this peer yet"
	}
	return out
}

// measures reports whether the running process measures a peer: a locality probe one with an
// address, a health probe one with a target of its schemes. It is called with mu held.
func (s *slot) measures(peer *pluginv1.Peer) bool {
	kinds := s.instance.kinds
	return slices.Contains(kinds, KindLocalityProbe) && peer.GetAddress() != "" ||
		slices.Contains(kinds, KindHealthProbe) && withTargets([]*pluginv1.Peer{peer}, s.instance.schemes)[0].GetHealthTarget() != ""
}

// said is an answer of a probe, and when it came.
type said[T any] struct {
	samples []T
	at      time.Time
}

// lastSamples returns what the plugin said last of a peer, and how long ago; nil if it has
// said nothing of it.
func (s *slot) lastSamples(peer mesh.NodeID) (*meshosv1.ProbeResult, time.Duration) {
	out, at := &meshosv1.ProbeResult{}, time.Time{}
	if sample, came, found := s.rtt.of(peer); found {
		out.Rtt, at = wire.RTTToProto(sample), came
	}
	if last := s.lastHealth.Load(); last != nil {
		for _, sample := range last.samples {
			if sample.Peer == peer {
				out.Health, at = wire.HealthToProto(sample), last.at
			}
		}
	}
	if at.IsZero() {
		return nil, 0
	}
	return out, s.opts.Now().Sub(at)
}
