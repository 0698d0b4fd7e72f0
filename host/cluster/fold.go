package cluster

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The kinds of rejection that only the log of a mesh has.
const (
	KindVoid       = "void"          // the clocks of the host and of the log differ
	KindMembership = "membership"    // who belongs to the mesh would not hold together
	KindSigners    = "signers"       // nobody could command the mesh any more
	KindUnknown    = "unknown_node"  // it names a node that is no member
	KindNotOrdered = "not_for_a_log" // it is no command
	KindCheckpoint = "checkpoint"    // it is not what the log leads to
	KindRecovery   = "recovery"      // too few seeds signed it, or it is not for the mesh as it is
	KindChain      = "chain"         // it does not fit the chains of the mesh
)

// Checked is an entry that continues a state, and what its signatures were found to be. It
// can be folded into that state alone.
type Checked struct {
	entry    entry
	verified verified
	invalid  bool // see Void
}

// verified is what the signatures of an order were found to be.
type verified struct {
	operators []mesh.Operator
	seeds     []mesh.NodeID // of a recovery
	persons   int
	wrong     *rules.Rejection
}

// Outcome is what an entry led to.
type Outcome struct {
	Place mesh.Place  // its height, and the log time
	By    mesh.NodeID // who ordered it
	At    time.Time   // by the clock of that node
	// Order is the verdict on a command, signed or not. That of the first entry and of a joining
	// is an admit_node without a signature; its Event is nil if the joining is not valid.
	Order mesh.JudgedCommit
	// Members and Signers say that who belongs to the mesh, and who commands it, changed.
	Members, Signers bool
	Checkpoint       bool // there is another checkpoint
	Recovered        bool // the seeds replaced who commands the mesh
	// Chains says that another chain is part of the mesh, or that one is another or none.
	Chains bool
}

// Check decodes an entry, checks that it continues the state and verifies its signatures. It
// changes nothing. The error is a *DamagedError, *GapError, *ForkError, *SignerError or
// *NewerError.
func (s *State) Check(logged *meshosv1.LoggedEntry) (Checked, error) {
	e, err := s.next(logged)
	var fork *ForkError
	var newer *NewerError
	if err != nil && !errors.As(err, &fork) && !errors.As(err, &newer) {
		return Checked{}, err
	}
	// That the log forked, or that an entry is too new, is believed if a member says so. Else it
	// is damage, and fetched again.
	if wrong := s.checkNode(e); wrong != nil {
		return Checked{}, wrong
	}
	if err != nil {
		return Checked{}, err
	}
	return Checked{entry: e, verified: s.verify(e)}, nil
}

// Signed returns why an entry is not what a member ordered, whatever its place in the log: a
// *DamagedError or a *SignerError.
func (s *State) Signed(logged *meshosv1.LoggedEntry) error {
	e, err := decode(logged)
	var newer *NewerError
	if err != nil && !errors.As(err, &newer) {
		return err
	}
	return s.checkNode(e)
}

// Recorded is Check for an entry of the node's own record, whose signatures were verified when
// it was recorded.
func (s *State) Recorded(r *meshosv1.RecordedEntry) (Checked, error) {
	if height := r.GetVoidHeight(); height != 0 {
		if height != s.height+1 {
			return Checked{}, &GapError{Have: s.height, Got: height}
		}
		return s.invalid(r.GetLogged(), r.GetWrong()), nil
	}
	e, err := s.next(r.GetLogged())
	if err != nil {
		return Checked{}, err
	}
	v := verified{operators: wire.OperatorsFromProto(r.GetOperators()), persons: int(r.GetPersons())}
	if of := e.GetRecovery(); of != nil {
		v.seeds = s.signedBy(of) // seldom enough
	}
	if r.GetWrongKind() != "" {
		v.wrong = &rules.Rejection{Kind: r.GetWrongKind(), Message: r.GetWrong()}
	}
	return Checked{entry: e, verified: v}, nil
}

// Record returns what the node's own record holds of an entry.
func (c Checked) Record() *meshosv1.RecordedEntry {
	out := &meshosv1.RecordedEntry{
		Logged:    &meshosv1.LoggedEntry{Entry: c.entry.logged.GetEntry(), LogTime: c.entry.logged.GetLogTime()},
		Operators: wire.OperatorsToProto(c.verified.operators), Persons: uint32(c.verified.persons),
	}
	if w := c.verified.wrong; w != nil {
		out.WrongKind, out.Wrong = w.Kind, w.Message
	}
	if c.invalid {
		out.VoidHeight = c.entry.GetHeight()
	}
	return out
}

// Height returns the height of the entry.
func (c Checked) Height() uint64 { return c.entry.GetHeight() }

// Hash returns the hash of the entry.
func (c Checked) Hash() Hash { return c.entry.hash }

// next decodes an entry and checks that it continues the state. With a *NewerError or a
// *ForkError it returns the entry too, whose signature is to be checked.
func (s *State) next(logged *meshosv1.LoggedEntry) (entry, error) {
	e, err := decode(logged)
	if err != nil {
		return e, err
	}
	if e.GetHeight() != s.height+1 {
		return entry{}, &GapError{Have: s.height, Got: e.GetHeight()}
	}
	prev := Hash{}
	copy(prev[:], e.GetPrev())
	if prev != s.head {
		return e, &ForkError{Height: e.GetHeight(), Have: s.head, Says: prev}
	}
	if founding := e.GetFounding(); founding != nil {
		if _, _, err := readFounding(founding, e.logTime); err != nil {
			return entry{}, &DamagedError{Height: 1, Why: err.Error()}
		}
	}
	return e, nil
}

// checkNode verifies the signature of the node that ordered an entry.
func (s *State) checkNode(e entry) error {
	by := mesh.NodeID(e.GetBy())
	member, is := s.members[by]
	if founding := e.GetFounding(); founding != nil {
		member, _, _ = readFounding(founding, e.logTime)
		is = member.Node == by
	}
	switch {
	case !is:
		return &SignerError{Height: e.GetHeight(), By: by, Why: "that node is no member of the mesh"}
	case !ed25519.Verify(member.Key[:], append([]byte(entryContext), e.signed...), e.signature):
		return &SignerError{Height: e.GetHeight(), By: by, Why: "the signature is not that node's"}
	}
	return nil
}

// verify verifies the signatures of the order in an entry.
func (s *State) verify(e entry) (v verified) {
	switch {
	case e.GetCommit() != nil:
		c, at, set := e.GetCommit(), s.timeOf(e), s.signers.set
		if set != nil && e.malformed == nil && len(c.GetSignatures()) <= s.policy.MostSignatures(e.command.Event) {
			v.operators, v.persons, v.wrong = rules.Verify(set, c.GetPayload(), c.GetSignatures(), at)
		} else {
			v.operators = rules.Claimed(set, c.GetSignatures(), at)
		}
		v.operators = rules.Identified(v.operators)
	case e.GetJoining() != nil:
		if err := s.checkJoiningSignatures(e.GetJoining()); err != nil {
			v.wrong = rules.Reject(rules.KindSignature, "%v", err)
		}
	case e.GetRecovery() != nil:
		v.seeds = s.signedBy(e.GetRecovery())
	}
	return v
}

// timeOf returns the log time of an entry: it never goes back.
func (s *State) timeOf(e entry) time.Time {
	if e.logTime.Before(s.at) {
		return s.at
	}
	return e.logTime
}

// Fold folds an entry that was checked against this very state.
func (s *State) Fold(c Checked) Outcome {
	s.mark()
	return s.foldNext(c)
}

// foldNext is Fold without the marks.
func (s *State) foldNext(c Checked) Outcome {
	e := c.entry
	at := s.timeOf(e)
	out := Outcome{Place: mesh.Place{Height: e.GetHeight(), At: at}, By: mesh.NodeID(e.GetBy()), At: e.GetAt().AsTime()}
	s.height, s.head, s.sum = e.GetHeight(), e.hash, Hash{}
	if c.invalid {
		out.Order.Outcome = c.verified.wrong.Outcome()
	} else if off := out.At.Sub(e.logTime); off.Abs() > MaxSkew && e.GetFounding() == nil {
		out.Order = s.void(e, c.verified, off)
	} else {
		s.advance(at)
		s.fold(e, c.verified, &out)
	}
	out.Order.Ordered = out.Place
	return out
}

// void returns the verdict on an entry that counts for nothing. It does not move the log time,
// so that a clock that is ahead for a while leaves nothing behind.
func (s *State) void(e entry, v verified, off time.Duration) mesh.JudgedCommit {
	out := mesh.JudgedCommit{Operators: claimed(v.operators)}
	switch {
	case e.GetCommit() != nil:
		out.Event, out.Reason, out.CommitID = e.command.Event, e.command.Reason, rules.CommitID(e.GetCommit().GetPayload())
	case e.GetEvent() != nil:
		out.Event, out.Reason, _ = command(e.GetEvent())
	}
	which := "ahead of"
	if off < 0 {
		which = "behind"
	}
	out.Outcome = rules.Reject(KindVoid, "the clock of node %d was %s %s that of the log, and at most %s is allowed; compare the clocks of node %d and of the seeds, and send the command again",
		e.GetBy(), off.Abs().Round(time.Millisecond), which, MaxSkew, e.GetBy()).Outcome()
	return out
}

func (s *State) fold(e entry, v verified, out *Outcome) {
	if e.GetEvent() == nil {
		s.foundingChains = 0 // nothing comes between them
	}
	switch order := e.GetOrder().(type) {
	case *meshosv1.OrderedEntry_Founding:
		s.found(order.Founding, out)
	case *meshosv1.OrderedEntry_Joining:
		s.foldJoining(order.Joining, v, out)
	case *meshosv1.OrderedEntry_Commit:
		s.foldCommit(e, v, out)
	case *meshosv1.OrderedEntry_Event:
		s.foldUnsigned(order.Event, out)
	case *meshosv1.OrderedEntry_Recovery:
		s.foldRecovery(order.Recovery, v.seeds, out)
	}
}

// claimed returns operators of whom nothing is said to be verified.
func claimed(in []mesh.Operator) []mesh.Operator {
	out := make([]mesh.Operator, 0, len(in))
	for _, o := range in {
		o.Verified = false
		out = append(out, o)
	}
	return out
}

// String describes an outcome for logs and tests.
func (o Outcome) String() string {
	kind := "no command"
	if o.Order.Event != nil {
		kind = o.Order.Event.Kind()
	}
	verdict := "accepted"
	switch o.Order.Outcome.Verdict {
	case mesh.VerdictRejected:
		verdict = o.Order.Outcome.Kind + ": " + o.Order.Outcome.Message
	case mesh.VerdictUnverified:
		verdict = "unverified"
	}
	return fmt.Sprintf("%d by node %d at %s: %s %s", o.Place.Height, o.By, o.Place.At.UTC().Format(time.RFC3339Nano), kind, verdict)
}
