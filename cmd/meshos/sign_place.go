package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/BurntSushi/toml"

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
	path, defaults := a.configPath(), config.Default()
	var file struct {
		Node struct {
			Cluster string `toml:"cluster"`
		} `toml:"node"`
		Operators struct {
			Signers    string `toml:"signers"`
			Ordinary   int    `toml:"ordinary"`
			BreakGlass int    `toml:"break_glass"`
			Thaw       int    `toml:"thaw"`
			Freshness  string `toml:"freshness"`
		} `toml:"operators"`
	}
	file.Node.Cluster = defaults.Node.Cluster
	file.Operators.Ordinary, file.Operators.BreakGlass = defaults.Operators.Ordinary, defaults.Operators.BreakGlass
	file.Operators.Thaw = defaults.Operators.Thaw
	out := place{cluster: cluster, freshness: defaults.Operators.Freshness}
	_, err := toml.DecodeFile(path, &file)
	if errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return place{}, &usageError{err: fmt.Errorf("can't tell which cluster to sign for: %s: %w", path, err)}
	}
	out.known = true
	out.ordinary, out.ice, out.thaw = file.Operators.Ordinary, file.Operators.BreakGlass, file.Operators.Thaw
	if cluster == "" {
		out.cluster = file.Node.Cluster
	}
	if d, err := time.ParseDuration(file.Operators.Freshness); err == nil && d > 0 {
		out.freshness = d
	}
	if out.signers = file.Operators.Signers; out.signers != "" && !filepath.IsAbs(out.signers) {
		out.signers = filepath.Join(filepath.Dir(path), out.signers)
	}
	return out, nil
}

// need is how many operators have to sign, 0 if that is not known.
func (p place) need(o order) int {
	switch {
	case !p.known || p.signers == "":
		return 0
	case o.kind == kindThaw:
		return max(1, p.thaw)
	case o.ice:
		return max(1, p.ice)
	}
	return max(1, p.ordinary)
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
