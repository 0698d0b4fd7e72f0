package sign

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/operator"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/operator/sshsig"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// Target is what the configuration says about the node that a command is for. The file may
// have changed since that node started: the node has the last word on all of it.
type Target struct {
	Known     bool   // there is a configuration
	Cluster   string // "" if it is not known
	Signers   string // the path of the allowed_signers file, "" for a node without operators
	Freshness time.Duration
	// Unreadable is why the running node could not read its file of signers; "" if it could,
	// or if no node said.
	Unreadable string

	ordinary   int
	breakGlass int
	thaw       int

	keys    []*hostv1.OperatorKey // that the node has in force; nil if no node said
	learned bool
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

// Learn takes over what the running node says about itself, which may differ from the
// configuration. The cluster is not taken over: whom a signature is for is for the operator
// to say.
func (t *Target) Learn(r *hostv1.ListOperatorsResponse) {
	t.Known, t.learned, t.Signers, t.keys = true, true, r.GetFile(), r.GetKeys()
	t.ordinary, t.breakGlass, t.thaw = int(r.GetOrdinary()), int(r.GetBreakGlass()), int(r.GetThaw())
	t.Unreadable = r.GetUnreadable()
	if d := r.GetFreshness().AsDuration(); d > 0 {
		t.Freshness = d
	}
}

// operators returns the operators' keys: those that the node has in force, or else those in
// the file. It is nil if neither is known.
func (t Target) operators(now time.Time) *Operators {
	switch {
	case t.Signers == "":
		return nil
	case t.learned:
		return &Operators{keys: t.keys}
	}
	set, err := signers.Load(t.Signers)
	if err != nil {
		return nil
	}
	keys, _ := operator.Keys(set, now)
	return &Operators{keys: keys}
}

// Operators are the keys that may sign for operators. The nil value knows nobody.
type Operators struct{ keys []*hostv1.OperatorKey }

// find returns whose key it is and why it may not sign, "" if it may.
func (o *Operators) find(key sshsig.Key) (name, why string) {
	why = NotListed
	for _, k := range o.keys {
		if k.GetFingerprint() != key.Fingerprint() {
			continue
		}
		if k.GetState() == hostv1.OperatorKey_STATE_VALID {
			return k.GetName(), ""
		}
		if name == "" {
			name, why = k.GetName(), view.KeyState(k)
		}
	}
	return name, why
}

// NotListed is why a key may not sign that the file of signers does not have.
const NotListed = "is not in the file of signers"
