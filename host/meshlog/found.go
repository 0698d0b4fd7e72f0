package meshlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/nodekey"
	"github.com/meshos/meshos/host/operator/rules"
	"github.com/meshos/meshos/host/records/disk"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// ErrMember means that a node belongs to a mesh already.
var ErrMember = errors.New("this node belongs to a mesh already; `meshos mesh leave` ends that")

// Founding is what a mesh begins with.
type Founding struct {
	Cluster string
	Node    mesh.NodeID
	Name    string
	Signers mesh.SetSigners
	Policy  rules.Policy
	Chains  []mesh.SetChain // of its configuration
}

// Found begins the record of a mesh in the data directory of a node that does not run: with its
// first entry, and one for each chain of the node's configuration. The node makes the log of it when
// it runs.
func Found(dataDir string, f Founding, key Key, now time.Time) (cluster.Hash, error) {
	own, link, err := key.Keys()
	if err != nil {
		return cluster.Hash{}, err
	}
	e, err := cluster.NewFounding(f.Cluster, mesh.AdmitNode{Node: f.Node, Name: f.Name, Key: own, LinkKey: link, Seed: true}, f.Signers, f.Policy, len(f.Chains), now)
	if err != nil {
		return cluster.Hash{}, err
	}
	begin := []*meshosv1.OrderedEntry{e}
	for _, chain := range f.Chains {
		begin = append(begin, cluster.NewFoundingChain(chain))
	}
	s := cluster.New()
	var entries []*meshosv1.RecordedEntry
	for _, e := range begin {
		raw, err := s.Seal(e, f.Node, now, key)
		if err != nil {
			return cluster.Hash{}, err
		}
		c, err := s.Check(&meshosv1.LoggedEntry{Entry: raw, LogTime: timestamppb.New(now)})
		if err != nil {
			return cluster.Hash{}, err
		}
		if out := s.Fold(c); out.Order.Outcome.Verdict == mesh.VerdictRejected {
			return cluster.Hash{}, fmt.Errorf("%s: %s", out.Order.Event.Kind(), out.Order.Outcome.Message)
		}
		entries = append(entries, c.Record())
	}
	fs, err := disk.Open(Dir(dataDir))
	if err != nil {
		return cluster.Hash{}, fmt.Errorf("begin the log of the mesh: %w", err)
	}
	r, err := openRecord(fs, time.Now, 0)
	if err != nil {
		return cluster.Hash{}, fmt.Errorf("begin the log of the mesh: %w", err)
	}
	defer func() { _ = r.chain.Close() }()
	if r.chain.Next() > 1 {
		return cluster.Hash{}, ErrMember
	}
	if err := r.append(entries, 1, now); err != nil {
		return cluster.Hash{}, err
	}
	return s.Founding(), nil
}

// Belongs reports whether the data directory of a node has a record of a mesh, or the token of
// one.
func Belongs(dataDir string) (bool, error) {
	if t, err := readJoining(dataDir); err != nil || t != nil {
		return t != nil, err
	}
	if _, err := os.Stat(filepath.Join(nodekey.Dir(dataDir), memberName)); !isMissing(err) {
		return err == nil, err
	}
	fs, err := disk.Existing(Dir(dataDir))
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	names, err := fs.List()
	return len(names) > 0, err
}
