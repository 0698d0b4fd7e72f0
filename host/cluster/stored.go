package cluster

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// MaxStored bounds an encoded StoredState, in bytes.
const MaxStored = 256 << 20

// Stored is what a log goes on from whose beginning was dropped: what it led to at a checkpoint,
// and the entries that say why this is to be believed.
type Stored struct {
	State *State // at the height of the checkpoint
	Proof *meshosv1.StoredState
}

// Height returns the height of the checkpoint; 0 for none.
func (b *Stored) Height() uint64 {
	if b == nil {
		return 0
	}
	return b.State.Height()
}

// Chain is the entries of a log that said who belongs to the mesh and who commands it, each with
// its height. It grows with the number of machines that ever joined, not with what is ordered.
type Chain []*meshosv1.LoggedEntry

// See adds an entry that was folded, if it belongs to the chain.
func (c *Chain) See(logged *meshosv1.LoggedEntry, out Outcome) {
	if out.Order.Outcome.Verdict == mesh.VerdictRejected {
		return
	}
	_, expels := out.Order.Event.(mesh.ExpelNode)
	_, admits := out.Order.Event.(mesh.AdmitNode)
	if out.Members || out.Signers || expels || admits {
		*c = append(*c, &meshosv1.LoggedEntry{Entry: logged.GetEntry(), LogTime: logged.GetLogTime(), Height: out.Place.Height})
	}
}

// Store returns what a log goes on from at its last checkpoint: encoded is the state at its
// height, the chain has all entries up to the one that made it, which comes last.
func Store(encoded []byte, chain Chain, entry *meshosv1.LoggedEntry, at uint64) *meshosv1.StoredState {
	out := &meshosv1.StoredState{Encoded: encoded, Chain: slices.Clone(chain)}
	out.Chain = append(out.Chain, &meshosv1.LoggedEntry{Entry: entry.GetEntry(), LogTime: entry.GetLogTime(), Height: at})
	return out
}

// OpenStored checks a stored state, and returns what it holds. It is believed if it is that of the
// mesh that begins with founding, and the entries in it, each signed by a member and by those who
// commanded the mesh then, lead to a checkpoint that names its hash.
func OpenStored(in *meshosv1.StoredState, founding Hash) (*Stored, error) {
	bad := func(format string, args ...any) (*Stored, error) {
		return nil, &StoredError{Why: fmt.Sprintf(format, args...)}
	}
	chain := in.GetChain()
	if len(chain) < 2 {
		return bad("it has no entry that made it a checkpoint")
	}
	if first := HashOf(chain[0]); first != founding {
		return bad("it is of another mesh: that one begins with %s, and this one with %s", first, founding)
	}
	var message meshosv1.ClusterState
	if err := proto.Unmarshal(in.GetEncoded(), &message); err != nil {
		return bad("it can't be read")
	}
	state, err := FromProto(&message)
	if err != nil {
		return nil, fmt.Errorf("the stored state of the log: %w", err)
	}
	sum := Hash(sha256.Sum256(in.GetEncoded()))
	if state.height == 0 || state.Sum() != sum {
		return bad("its bytes have the hash %s, and what they say has %s", sum, state.Sum())
	}
	w, at, err := witnessed(chain[:len(chain)-1], state)
	if err != nil {
		return nil, err
	}
	w.marks, w.checkpoint = []Mark{{state.height, sum}}, Mark{}
	last := chain[len(chain)-1]
	out, err := w.witness(last)
	if err != nil {
		return nil, err
	}
	if made, is := out.Order.Event.(mesh.Checkpoint); !is || !out.Checkpoint || made.Height != state.height || out.Place.Height <= state.height {
		return bad("its last entry, of height %d, makes no checkpoint of height %d", out.Place.Height, state.height)
	}
	if at != state.height {
		return bad("the entries in it go up to height %d only", at)
	}
	return &Stored{State: state, Proof: in}, nil
}

// witnessed folds the entries of a chain, and checks that they lead to the members and signers
// of a state at its height, which it returns as at.
func witnessed(chain Chain, state *State) (w *State, at uint64, err error) {
	w = New()
	for _, e := range chain {
		if e.GetHeight() > state.height && at == 0 {
			if err := w.agrees(state); err != nil {
				return nil, 0, err
			}
			at = state.height
		}
		if _, err := w.witness(e); err != nil {
			return nil, 0, err
		}
	}
	if at == 0 {
		if err := w.agrees(state); err != nil {
			return nil, 0, err
		}
		at = state.height
	}
	return w, at, nil
}

// witness folds an entry behind those that were left out: its signatures and what it says have
// to be valid, and only that it follows the entry before is not known.
func (s *State) witness(logged *meshosv1.LoggedEntry) (Outcome, error) {
	bad := func(height uint64, why string) (Outcome, error) {
		return Outcome{}, &StoredError{Why: fmt.Sprintf("its entry of height %d %s", height, why)}
	}
	e, err := decode(logged)
	if err != nil {
		return Outcome{}, fmt.Errorf("the stored state of the log: %w", err)
	}
	height := e.GetHeight()
	if height <= s.height || (height == 1) != (s.height == 0) {
		return bad(height, fmt.Sprintf("comes behind the one of height %d", s.height))
	}
	if founding := e.GetFounding(); founding != nil {
		if _, _, err := readFounding(founding, e.logTime); err != nil {
			return bad(height, err.Error())
		}
	}
	if err := s.checkNode(e); err != nil {
		return Outcome{}, fmt.Errorf("the stored state of the log: %w", err)
	}
	out := s.foldNext(Checked{entry: e, verified: s.verify(e)})
	if v := out.Order.Outcome; v.Verdict == mesh.VerdictRejected {
		return bad(height, "does not count: "+v.Message)
	}
	return out, nil
}

// agrees returns an error unless a state has the same members and signers as this one, which only
// the entries about those led to.
func (s *State) agrees(with *State) error {
	if !proto.Equal(s.authority(), with.authority()) {
		return &StoredError{Why: fmt.Sprintf("who belongs to the mesh or who commands it at height %d is not what its entries say", with.height)}
	}
	return nil
}

// authority is the part of the state that says who belongs to the mesh and who commands it.
func (s *State) authority() *meshosv1.ClusterState {
	all := s.ToProto()
	return &meshosv1.ClusterState{
		ClusterId: all.GetClusterId(), Founding: all.GetFounding(), Freshness: all.GetFreshness(), Cooldown: all.GetCooldown(),
		Members: all.GetMembers(), Expelled: all.GetExpelled(), Signers: all.GetSigners(), SignersHeight: all.GetSignersHeight(),
	}
}

// Follows returns why a stored state can't be that of the log of which own is a part, whose
// entries hashAt has as far as they are kept.
func (b *Stored) Follows(own *State, hashAt func(height uint64) (Hash, bool)) error {
	if own.height == 0 {
		return nil
	}
	for _, e := range b.Proof.GetChain() {
		if e.GetHeight() > own.height {
			break
		}
		if has, kept := hashAt(e.GetHeight()); kept && has != HashOf(e) {
			return &StoredError{Why: fmt.Sprintf("it is of another log: at height %d that one has %s, and this node's record %s", e.GetHeight(), HashOf(e), has)}
		}
	}
	return nil
}

// Holding returns, as verdicts, what orders hold at a state that did not at another one, and what
// ended, in order: what a node has to fold that has not folded the entries in between. The last
// one is the checkpoint at which the node goes on. before is nil if nothing of what was ordered
// so far is to hold: then the first one begins the log.
func (s *State) Holding(before *State) (out []mesh.JudgedCommit) {
	end := mesh.Place{Height: s.height, At: s.at}
	say := func(ev mesh.AdminEvent, place mesh.Place, operators []string) {
		c := mesh.JudgedCommit{Event: ev, Ordered: place, Outcome: mesh.Verification{Verdict: mesh.VerdictAccepted}}
		for _, name := range operators {
			c.Operators = append(c.Operators, mesh.Operator{Name: name, Verified: true})
		}
		if len(operators) == 0 {
			c.Outcome.Verdict = mesh.VerdictUnverified
		}
		c.Reason = fmt.Sprintf("as the checkpoint of height %d says", s.height)
		out = append(out, c)
	}
	if before == nil {
		before = New()
		say(s.members[slices.Min(slices.Collect(maps.Keys(s.members)))], mesh.Place{Height: 1, At: s.at}, nil)
	}
	for _, of := range slices.SortedFunc(maps.Keys(before.orders), compareSubjects) {
		if _, holds := s.orders[of]; !holds {
			say(of.over(), end, nil)
		}
	}
	begun := slices.SortedFunc(maps.Keys(s.orders), func(a, b subject) int {
		if c := int64(s.orders[a].height) - int64(s.orders[b].height); c != 0 {
			return int(c)
		}
		return compareSubjects(a, b)
	})
	for _, of := range begun {
		if o := s.orders[of]; before.orders[of].height != o.height {
			say(o.event, mesh.Place{Height: o.height, At: o.at}, o.operators)
		}
	}
	switch {
	case s.frozenUntil.After(s.at):
		say(mesh.FreezeCluster{TTL: s.frozenUntil.Sub(s.at)}, end, nil)
	case before.height > 0:
		say(mesh.ThawCluster{}, end, nil)
	}
	say(mesh.Checkpoint{Height: s.height, State: s.Sum()}, end, nil)
	return out
}

// over returns the command that ends what was ordered about a subject.
func (s subject) over() mesh.AdminEvent {
	switch s.what {
	case maintenance:
		return mesh.ExitMaintenance{Node: s.node}
	case cordon, drain:
		return mesh.Uncordon{Node: s.node}
	case daemonIntent:
		return mesh.SetDaemonIntent{Node: s.node, Daemon: mesh.DaemonRef{ID: mesh.DaemonID(s.id)}, Intent: mesh.IntentNone}
	case definition: // a deleted one holds, too: its id is not given again
		return mesh.SetChain{Chain: mesh.ChainID(s.id), Deleted: true}
	case replicas:
		return mesh.SetPlacement{Node: s.node, Chain: mesh.ChainID(s.id)}
	}
	return mesh.SetLocalReplica{Node: s.node, Chain: mesh.ChainID(s.id), Intent: mesh.HoldNone}
}
