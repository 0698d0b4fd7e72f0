package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/datadir"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/meshlog"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// validateChains compares the chains of a configuration with those of the mesh to which its node
// belongs: the mesh counts.
func (a *app) validateChains(ctx context.Context, cfg *config.Config) (faults, warnings []config.Problem) {
	if len(cfg.Chains) == 0 {
		return nil, nil
	}
	belongs, err := meshlog.Belongs(cfg.Node.DataDir)
	if err == nil && !belongs {
		return nil, cfg.StreamsAlone()
	}
	var known []mesh.SetChain
	if err == nil {
		known, err = a.chainsOfMesh(ctx, cfg)
	}
	if err == nil {
		return cfg.StreamsApart(known), nil
	}
	if !slices.ContainsFunc(cfg.Chains, func(c config.Chain) bool { return c.Stream != nil }) {
		return nil, nil
	}
	return nil, []config.Problem{{
		File: cfg.File, Key: "chain", Message: fmt.Sprintf("can't be compared with the chains of the mesh: %v", err),
		Hint: "run this as the user of the node, or while the node runs",
	}}
}

// chainsOfMesh returns the chains of the mesh as the node says, or, if it does not run, as its
// record of the log does.
func (a *app) chainsOfMesh(ctx context.Context, cfg *config.Config) ([]mesh.SetChain, error) {
	unlock, err := datadir.Lock(cfg.Node.DataDir)
	var busy *datadir.BusyError
	switch {
	case errors.As(err, &busy):
		list, err := a.chains(ctx, true)
		if err != nil {
			return nil, err
		}
		return chainsFromProto(list.GetChains())
	case err != nil:
		return nil, err
	}
	defer func() { _ = unlock() }()
	return meshlog.Chains(cfg.Node.DataDir)
}

func chainsFromProto(in []*meshosv1.SetChain) (out []mesh.SetChain, err error) {
	for _, c := range in {
		ev, err := wire.AdminFromProto(setChain(c))
		if err != nil {
			return nil, err
		}
		if chain, is := ev.(mesh.SetChain); is {
			out = append(out, chain)
		}
	}
	return out, nil
}
