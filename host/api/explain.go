package api

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/reconcile"
	"github.com/meshos/meshos/host/snapshot"
	"github.com/meshos/meshos/host/state"
	"github.com/meshos/meshos/internal/plaintext"
	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// StateReader gives access to the state of the node.
type StateReader interface {
	// ReadState calls visit with the state, which visit must neither change nor keep. It
	// waits for its turn until ctx is done. An error while ctx is not done means that
	// there is no state to read, since the loop has ended.
	ReadState(ctx context.Context, visit func(*state.State)) error
}

// Explain implements hostv1.HostServer.
func (s *Service) Explain(ctx context.Context, in *hostv1.ExplainRequest) (*hostv1.ExplainResponse, error) {
	var out *hostv1.ExplainResponse
	var why error
	if err := s.opts.StateReader.ReadState(ctx, func(st *state.State) { out, why = Explain(st, in) }); err != nil {
		if ctx.Err() != nil {
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	if why != nil {
		return nil, explainError(why)
	}
	latest := s.opts.Reader.Latest()
	if peer := askedPeer(latest, in); peer != nil {
		if why := latest.HealthReason(peer); peer.Health == mesh.HealthUnknown && why != "" {
			out.Findings = append(out.Findings, &hostv1.Finding{Arm: "health", Text: "it is not checked: " + why})
		}
		if s.opts.Names != nil {
			for _, words := range s.opts.Names(peer.Node) {
				out.Findings = append(out.Findings, &hostv1.Finding{Arm: "name", Text: words})
			}
		}
	}
	if s.opts.History != nil && in.GetChain() != 0 {
		if words, ok := s.opts.History(mesh.ChainID(in.GetChain())); ok {
			out.Findings = append(out.Findings, &hostv1.Finding{Arm: "score history", Text: words})
		}
	}
	return out, nil
}

// askedPeer returns the peer that is asked for, nil if it is none.
func askedPeer(s *snapshot.Snapshot, in *hostv1.ExplainRequest) *snapshot.Peer {
	for p := range s.Peers.Values() {
		if in.GetPeer() != 0 && uint64(p.Node) == in.GetPeer() || in.GetPeerName() != "" && p.Name == in.GetPeerName() {
			return &p
		}
	}
	return nil
}

func explainError(err error) error {
	var (
		unknown   *UnknownSubjectError
		ambiguous *AmbiguousNameError
	)
	switch {
	case errors.As(err, &unknown):
		return status.Error(codes.NotFound, err.Error())
	case errors.As(err, &ambiguous):
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	return status.Error(codes.InvalidArgument, err.Error())
}

// errNoSubject means that a request names no subject.
var errNoSubject = errors.New("subject: must be one of chain, daemon, daemon_name, peer and peer_name")

// UnknownSubjectError means that the node does not know the subject of a request.
type UnknownSubjectError struct {
	What string   // such as "daemon"
	Name string   // its id or name
	Near []string // names like it
}

// Error implements error.
func (e *UnknownSubjectError) Error() string {
	text := fmt.Sprintf("the node has never heard of %s %s", e.What, e.Name)
	if len(e.Near) > 0 {
		text += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return text
}

// AmbiguousNameError means that several subjects have the name: names are labels.
type AmbiguousNameError struct {
	What string
	Name string
	IDs  []uint64 // ascending
}

// Error implements error.
func (e *AmbiguousNameError) Error() string {
	ids := make([]string, len(e.IDs))
	for i, id := range e.IDs {
		ids[i] = strconv.FormatUint(id, 10)
	}
	return fmt.Sprintf("%d %ss are called %q: ask for one of %s by its id", len(ids), e.What, e.Name, strings.Join(ids, ", "))
}

// Explain returns why reconcile acts on the subject of in, or does not. The error is an
// *UnknownSubjectError, an *AmbiguousNameError, or another one if in has no subject.
func Explain(s *state.State, in *hostv1.ExplainRequest) (*hostv1.ExplainResponse, error) {
	about, err := explanation(s, in)
	if err != nil {
		return nil, err
	}
	out := &hostv1.ExplainResponse{Subject: about.Subject, Tick: s.Passes()}
	for _, f := range about.Findings {
		out.Findings = append(out.Findings, &hostv1.Finding{Arm: f.Arm, Text: f.Text})
	}
	return out, nil
}

func explanation(s *state.State, in *hostv1.ExplainRequest) (reconcile.Explanation, error) {
	switch subject := in.GetSubject().(type) {
	case *hostv1.ExplainRequest_Chain:
		return known("chain", subject.Chain, reconcile.ExplainChain(s, mesh.ChainID(subject.Chain)))
	case *hostv1.ExplainRequest_Daemon:
		return known("daemon", subject.Daemon, reconcile.ExplainDaemon(s, mesh.DaemonID(subject.Daemon)))
	case *hostv1.ExplainRequest_DaemonName:
		id, err := named("daemon", subject.DaemonName, daemonNames(s))
		if err != nil {
			return reconcile.Explanation{}, err
		}
		return reconcile.ExplainDaemon(s, mesh.DaemonID(id)), nil
	case *hostv1.ExplainRequest_Peer:
		return known("peer", subject.Peer, reconcile.ExplainPeer(s, mesh.NodeID(subject.Peer)))
	case *hostv1.ExplainRequest_PeerName:
		id, err := named("peer", subject.PeerName, peerNames(s))
		if err != nil {
			return reconcile.Explanation{}, err
		}
		return reconcile.ExplainPeer(s, mesh.NodeID(id)), nil
	}
	return reconcile.Explanation{}, errNoSubject
}

func known(what string, id uint64, e reconcile.Explanation) (reconcile.Explanation, error) {
	if e.Unknown {
		return e, &UnknownSubjectError{What: what, Name: strconv.FormatUint(id, 10)}
	}
	return e, nil
}

// named returns the id of the only one with a name.
func named(what, name string, all iter.Seq2[uint64, string]) (uint64, error) {
	var ids []uint64
	var names []string
	for id, its := range all {
		if its == name && name != "" {
			ids = append(ids, id)
		}
		names = append(names, its)
	}
	switch len(ids) {
	case 0:
		near := config.Near(name, names)
		near = slices.Clone(near[:min(len(near), 5)])
		for i := range near {
			near[i] = plaintext.Clean(near[i], 100)
		}
		return 0, &UnknownSubjectError{What: what, Name: strconv.Quote(name), Near: near}
	case 1:
		return ids[0], nil
	}
	slices.Sort(ids)
	return 0, &AmbiguousNameError{What: what, Name: name, IDs: ids}
}

func daemonNames(s *state.State) iter.Seq2[uint64, string] {
	return func(yield func(uint64, string) bool) {
		for d := range s.Daemons() {
			if !yield(uint64(d.Ref.ID), d.Ref.Name) {
				return
			}
		}
	}
}

// peerNames includes this node, which may be the subject like any other.
func peerNames(s *state.State) iter.Seq2[uint64, string] {
	return func(yield func(uint64, string) bool) {
		if !yield(uint64(s.Node()), s.NodeName()) {
			return
		}
		for p := range s.Peers() {
			if p.ID != s.Node() && !yield(uint64(p.ID), p.Name) {
				return
			}
		}
	}
}
