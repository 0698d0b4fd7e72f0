package host

import (
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The doors that signed commands come in by. Each has its own rate limit, so that
// one can't shut the other.
const (
	doorAPI     = "api"
	doorPlugins = "plugins"
)

// openOperators opens the authorizer, which judges commands.
func (n *node) openOperators() (*operator.Authorizer, error) {
	c := n.cfg
	return operator.Open(operator.Options{
		Policy: operator.Policy{
			Cluster:    c.Node.Cluster,
			Ordinary:   c.Operators.Ordinary,
			BreakGlass: c.Operators.BreakGlass,
			Thaw:       c.Operators.Thaw,
			Freshness:  c.Operators.Freshness,
			FutureSkew: c.Operators.FutureSkew,
			Cooldown:   c.Operators.Cooldown,
		},
		Signers: c.Operators.Signers,
		DataDir: c.Node.DataDir,
		Now:     time.Now,
		Log:     n.log,

		AuditFull: n.records.AuditFull,
	})
}

// judgeFrom gives the judge of a door.
func (n *node) judgeFrom(door string) func(wire.Signed) mesh.JudgedCommit {
	return func(signed wire.Signed) mesh.JudgedCommit { return n.operators.Judge(door, signed) }
}

// simulate implements api.Simulate.
func (n *node) simulate(ev mesh.AdminEvent) (*meshosv1.BlastRadius, []byte, error) {
	radius, hash, err := n.operators.Simulate(n.loop.Reader().Latest(), ev)
	return radius, hash[:], err
}

// rememberFreeze keeps what is written down of the freeze in line with what is in
// force, until ctx ends.
func (n *node) rememberFreeze(ctx context.Context) {
	reader := n.loop.Reader()
	for {
		changed := reader.Changed()
		if latest := reader.Latest(); latest.Tick > 0 {
			n.operators.Observe(latest)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// signersTimeout bounds how long changes of the operators' keys may wait for their
// audit records. They are let in as commands are, and a large file may change in
// thousands of places.
const signersTimeout = 2 * time.Minute

// reloadSigners reads the signers' file again, and has each change audited with the
// fingerprints. A damaged file changes nothing.
func (n *node) reloadSigners(ctx context.Context) {
	if !n.operators.HasOperators() {
		return
	}
	changes, err := n.operators.ReloadSigners()
	if err != nil {
		n.log.Error("signers not reloaded, those in force stay", "error", err)
		n.reports.add("reload", fmt.Sprintf("the signers in force stay: %v", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, signersTimeout)
	defer cancel()
	for _, change := range changes {
		n.log.Warn("signers changed", "change", change.String())
		audited := mesh.SignerChange{Name: change.Name, Text: change.String()}
		if change.Old != nil {
			audited.Old = change.Old.Key.Fingerprint()
		}
		if change.New != nil {
			audited.New = change.New.Key.Fingerprint()
		}
		if err := n.publisher().SignerChange(ctx, audited); err != nil {
			n.reports.add("reload", fmt.Sprintf("not in the audit log: signers changed: %s: %v", change, err))
		}
	}
}
