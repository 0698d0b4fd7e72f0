package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/operator/signers"
)

// place is what the configuration says of where a command goes. It is read from
// the same file as the node's socket, which may have changed since the node
// started: the node has the last word on all of it.
type place struct {
	known     bool // there is a configuration
	cluster   string
	signers   string // a path, "" for a node without operators
	ordinary  int
	ice       int
	thaw      int
	freshness time.Duration
}

// placeOf reads the few keys that signing needs and looks at nothing else, so that
// a running node can be commanded while its file is being changed. Without a file
// only the defaults are known; that is no error, since --address finds nodes too.
func (a *app) placeOf(cluster string) (place, error) {
	peeked, err := config.Peek(a.configPath(), "node.cluster", "operators.signers", "operators.ordinary",
		"operators.break_glass", "operators.thaw", "operators.freshness")
	if errors.Is(err, fs.ErrNotExist) {
		return place{cluster: cluster, freshness: config.Default().Operators.Freshness}, nil
	}
	if err != nil {
		return place{}, &usageError{err: fmt.Errorf("can't tell which cluster to sign for: %w", err)}
	}
	operators := peeked.Operators
	out := place{
		known: true, cluster: peeked.Node.Cluster, signers: operators.Signers,
		ordinary: operators.Ordinary, ice: operators.BreakGlass, thaw: operators.Thaw, freshness: operators.Freshness,
	}
	if cluster != "" {
		out.cluster = cluster
	}
	return out, nil
}

// need is how many operators have to sign, 0 if that is not known.
func (p place) need(o order) int {
	switch {
	case !p.known || p.signers == "":
		return 0
	case o.kind == kindThaw:
		return p.thaw
	case o.ice:
		return p.ice
	}
	return p.ordinary
}

// operators gives the set of operators, or nil where this user can't read it.
func (p place) operators() *signers.Set {
	if p.signers == "" {
		return nil
	}
	set, err := signers.Load(p.signers)
	if err != nil {
		return nil
	}
	return set
}
