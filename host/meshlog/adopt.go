package meshlog

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/records/disk"
)

// Adopted is what a node had before it takes over the log of the others.
type Adopted struct {
	Height uint64
	Head   cluster.Hash
	Aside  string // the folder that has it now
}

// Adopt has a node that does not run take over the log of the others, which must begin as its
// own record does: the record is moved aside, and fetched from them anew. What only the record
// had is not ordered any more then.
func Adopt(dataDir string, node mesh.NodeID, seeds []string, now time.Time) (Adopted, error) {
	fs, err := disk.Existing(Dir(dataDir))
	if isMissing(err) {
		return Adopted{}, errors.New("this node belongs to no mesh")
	}
	if err != nil {
		return Adopted{}, err
	}
	r, err := openRecord(fs, time.Now, 0)
	if err != nil {
		return Adopted{}, err
	}
	s := cluster.New()
	if base, err := ReadBase(r.dir); err == nil && base != nil {
		s = base.State
	}
	_, err = r.read(s, func(cluster.Outcome, time.Time) {})
	if err := errors.Join(err, r.chain.Close()); err != nil && s.Height() == 0 {
		return Adopted{}, err
	}
	t := tokenAgain(s, node, seeds, now)
	if s.Height() == 0 {
		member, err := readToken(dataDir, memberName)
		if err != nil || member == nil {
			return Adopted{}, errors.Join(errors.New("the node's record of the log holds no entry, so the mesh that it belongs to is not known; join with a token that replaces it (meshos mesh token --replace)"), err)
		}
		t = *member
		t.Seeds, t.Expires = seeds, now
	}
	if err := StoreJoining(dataDir, t); err != nil {
		return Adopted{}, err
	}
	out := Adopted{Height: s.Height(), Head: s.Head(), Aside: asideName(dataDir, now)}
	if err := os.Rename(Dir(dataDir), out.Aside); err != nil {
		return out, fmt.Errorf("move the record aside: %w", err)
	}
	return out, nil
}
