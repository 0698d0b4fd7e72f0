package sign

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/operator/signers"
)

// Target is what the configuration says about the node that a command is for. The file may
// have changed since that node started: the node has the last word on all of it.
type Target struct {
	Known     bool   // there is a configuration
	Cluster   string // "" if it is not known
	Signers   string // the path of the allowed_signers file, "" for a node without operators
	Freshness time.Duration

	ordinary   int
	breakGlass int
	thaw       int
}

// ReadTarget reads the keys that signing needs from a configuration. A cluster that is not
// "" replaces the configured one. A file that does not exist is not an error, since a node
// can be found by its address, too.
func ReadTarget(path, cluster string) (Target, error) {
	peeked, err := config.Peek(path, "node.cluster", "operators.signers", "operators.ordinary",
		"operators.break_glass", "operators.thaw", "operators.freshness")
	if errors.Is(err, fs.ErrNotExist) {
		return Target{Cluster: cluster, Freshness: config.Default().Operators.Freshness}, nil
	}
	if err != nil {
		return Target{}, &UsageError{fmt.Errorf("can't find the cluster to sign for: %w", err)}
	}
	operators := peeked.Operators
	target := Target{
		Known: true, Cluster: peeked.Node.Cluster, Signers: operators.Signers, Freshness: operators.Freshness,
		ordinary: operators.Ordinary, breakGlass: operators.BreakGlass, thaw: operators.Thaw,
	}
	if cluster != "" {
		target.Cluster = cluster
	}
	return target, nil
}

// Required returns how many operators have to sign a command, 0 if that is not known.
func (t Target) Required(c Command) int {
	switch {
	case !t.Known || t.Signers == "":
		return 0
	case c.Event.GetThawCluster() != nil:
		return t.thaw
	case c.BreakGlass:
		return t.breakGlass
	}
	return t.ordinary
}

// operators returns the set of operators, or nil if this user can't read it.
func (t Target) operators() *signers.Set {
	if t.Signers == "" {
		return nil
	}
	set, err := signers.Load(t.Signers)
	if err != nil {
		return nil
	}
	return set
}
