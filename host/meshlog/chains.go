package meshlog

import (
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
)

// Chains returns the chains of the mesh, also deleted ones, as the record of a node has them that
// does not run.
func Chains(dataDir string) ([]mesh.SetChain, error) {
	fs, err := disk.Existing(Dir(dataDir))
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := openRecord(fs, time.Now, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.chain.Close() }()
	s := cluster.New()
	if base, err := ReadBase(r.dir); err == nil && base != nil {
		s = base.State
	}
	if _, err := r.read(s, func(cluster.Outcome, time.Time) {}); err != nil {
		return nil, err
	}
	return s.Chains(), nil
}
