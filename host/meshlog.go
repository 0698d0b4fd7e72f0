package host

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlink"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/ordered"
	"github.com/meshos/meshos/host/state"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// openOrders opens the two logs of orders, the node's own and that of its mesh, and returns with
// what a state begins after a restart.
func (n *node) openOrders(log *slog.Logger) (boot state.Boot, lines []mesh.LogLine, err error) {
	cfg := n.cfg
	report := func(source, reason string) { n.failures.Add(source, reason) }
	if n.ordered, err = ordered.Open(orderedOptions(cfg, report, log)); err != nil {
		return boot, nil, err
	}
	n.opened = append(n.opened, n.ordered.Close)
	o := meshlogOptions(cfg, n.opts.Version, n.ordered.MeshHeight(), report, log)
	if o.Audited, err = n.auditedHeight(o.Folded); err != nil {
		return boot, nil, err
	}
	n.meshlog, err = meshlog.Open(o)
	if err != nil {
		return boot, nil, err
	}
	n.opened = append(n.opened, n.meshlog.Close)
	for _, p := range n.apart(cfg) {
		log.Error("configuration", "file", p.File, "line", p.Line, "key", p.Key, "message", p.Message, "todo", p.Hint)
	}
	freeze := n.operators.FreezeRemaining()
	var later []ordered.Later
	for _, in := range n.meshlog.Later() {
		later = append(later, ordered.Later(in))
		if c, is := in.Input.(mesh.JudgedCommit); is && c.Outcome.Verdict != mesh.VerdictRejected {
			switch c.Event.(type) {
			case mesh.FreezeCluster, mesh.ThawCluster:
				freeze = n.meshlog.FreezeRemaining(n.start)
			}
		}
	}
	return n.ordered.Restore(bootOf(cfg, n.epoch, n.start, freeze), later...)
}

// apart returns where the chains of a configuration differ from those of the mesh, and which are
// stored nowhere, since there is none.
func (n *node) apart(cfg *config.Config) []config.Problem {
	if !n.meshlog.Used() {
		return cfg.StreamsAlone()
	}
	if chains, known := n.meshlog.Chains(); known {
		return cfg.StreamsApart(chains)
	}
	return nil
}

// auditedHeight returns up to which height of the log of the mesh there are audit records; what
// the state has, if there is none at all.
func (n *node) auditedHeight(folded uint64) (uint64, error) {
	if belongs, err := meshlog.Belongs(n.cfg.Node.DataDir); err != nil || !belongs {
		return folded, err
	}
	ctx, height := context.Background(), uint64(0)
	ofMesh := func(r *meshosv1.Record) bool { return r.GetAudit().GetInMesh() }
	from, err := n.records.Newest(ctx, mesh.ChainAudit, 1, ofMesh)
	if err != nil {
		return 0, err
	}
	err = n.records.Read(ctx, mesh.ChainAudit, mesh.RecordPosition{From: from}, func(bool) error { return nil }, func(r *meshosv1.Record) error {
		if ofMesh(r) {
			height = r.GetAudit().GetHeight()
		}
		return nil
	})
	if height == 0 {
		return folded, err
	}
	return height, err
}

func meshlogOptions(cfg *config.Config, version string, folded uint64, report func(source, reason string), log *slog.Logger) meshlog.Options {
	return meshlog.Options{
		DataDir: cfg.Node.DataDir, Node: cfg.Node.ID, Name: cfg.Node.Name, Version: version, Folded: folded, Now: time.Now, Log: log, Report: report,
		KeepAge: cfg.Records.MeshAge, KeepSize: cfg.Records.MeshSize, FileSize: min(cfg.Records.SegmentSize, 4<<20),
	}
}

// installMesh joins the log of the mesh to the parts that it works with.
func (n *node) installMesh() {
	n.meshlog.Install(meshlog.Parts{
		Key: func() (meshlog.Key, error) {
			key, err := n.key.get(n.cfg.Node.DataDir)
			return ownKey{key}, err
		},
		Order: n.link.Order, Join: n.link.Join,
		Aborted: func(err error) bool { return errors.Is(err, meshlink.ErrAborted) },
		NoQuorum: func(err error) bool {
			return errors.Is(err, meshlink.ErrNoQuorum) || errors.Is(err, meshlink.ErrAway) || errors.Is(err, meshlink.ErrNoPlugin)
		},
		Refused:   func(err error) bool { return errors.Is(err, meshlink.ErrRefused) },
		Fold:      n.intake.FoldLogged,
		Commanded: n.operators.Commanded,
		Kept:      n.ordered.KeptMeshHeight,
		Ask: func(ctx context.Context, method string, take func([]byte) error) error {
			return n.ask(ctx, 0, method, nil, take)
		},
		Here: func() []string { return n.loop.Reader().Latest().Orders.Here(n.cfg.Node.ID) },
	})
}

// ownKey is the node's key, as the log of the mesh takes it.
type ownKey struct{ *nodekey.Key }

// Keys implements meshlog.Key.
func (k ownKey) Keys() (own, link mesh.PublicKey, err error) {
	copy(own[:], k.Public())
	public, err := k.LinkPublic()
	copy(link[:], public)
	return own, link, err
}
