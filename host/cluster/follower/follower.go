package follower

import (
	"errors"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/cluster"
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Follower is a node's part in the ordered log. It belongs to one goroutine.
type Follower struct {
	node  mesh.NodeID
	state *cluster.State
	read  func(height uint64) (*meshosv1.LoggedEntry, error)

	founding  cluster.Hash // of the only log that it takes; zero for any
	unwritten []*meshosv1.RecordedEntry
	waiting   []Taken // of these
	known     uint64  // the greatest height that anybody said the log has
	link      *meshosv1.MeshLink
	frozen    string
	fork      *Fork
	differs   *Fork    // what the seeds say of the end of the log, while it is not what the record says
	orders    []*Order // oldest first; the first one has the turn
	moved     uint64   // how many entries were folded
	jitter    func() time.Duration
	joins     bool         // the node is not a member yet, and is about to become one
	first     uint64       // height of the first entry that the record has, or will have
	base      cluster.Hash // of the entry before it, if that is known
}

// Taken is an entry that was folded.
type Taken struct {
	Out  cluster.Outcome
	Raw  []byte       // the entry as it was signed
	Hash cluster.Hash // with the time at which the log took it
}

// Fork is where the log of the others leaves this node's record.
type Fork struct {
	Height      uint64 // at which the two differ first, as far as it is known
	Own, Theirs cluster.Hash
}

// New returns the follower of a node whose record led to a state. Read returns an entry of the
// record, of those that were written.
func New(node mesh.NodeID, state *cluster.State, read func(height uint64) (*meshosv1.LoggedEntry, error)) *Follower {
	return &Follower{node: node, state: state, read: read, known: state.Height(), first: 1, jitter: func() time.Duration { return 0 }}
}

// Begins says that the record has no entry below a height, and the hash of the entry before it;
// zero if that is not known.
func (f *Follower) Begins(first uint64, base cluster.Hash) { f.first, f.base = first, base }

// First returns the height of the first entry that the record has, or will have.
func (f *Follower) First() uint64 { return f.first }

// Missed reports whether the log of the others has dropped what comes after the record: then the
// node can only go on from a checkpoint behind which that log begins.
func (f *Follower) Missed() (first uint64, missed bool) {
	first = f.link.GetFirst()
	return first, f.frozen == "" && f.link.GetConnected() && first > f.state.Height()+1 && len(f.unwritten) == 0
}

// GoOn has the follower go on from a state that a checkpoint says, which is on disk: the record
// has nothing of it. Orders that wait are answered as unknown, if they were published.
func (f *Follower) GoOn(state *cluster.State) {
	f.state, f.unwritten, f.waiting, f.differs = state, nil, nil, nil
	f.Begins(state.Height()+1, state.Head())
	f.Said(state.Height())
	f.moved++
}

// Jitter has an order wait for a while of its own, besides all else, when another one was first:
// so that it is not always the same nodes that are.
func (f *Follower) Jitter(drawn func() time.Duration) { f.jitter = drawn }

// Expect has the follower take no other log than the one that begins with an entry of this
// hash, as a token says. The node is about to become a member.
func (f *Follower) Expect(founding cluster.Hash) { f.founding, f.joins = founding, true }

// Joined says that the node is a member now.
func (f *Follower) Joined() { f.founding, f.joins = cluster.Hash{}, false }

// State returns what the log led to. It includes entries that are not written yet.
func (f *Follower) State() *cluster.State { return f.state }

// Said notes that somebody says that the log has a height.
func (f *Follower) Said(height uint64) { f.known = max(f.known, height) }

// Link returns how the node is linked; nil while the plugin says nothing.
func (f *Follower) Link() *meshosv1.MeshLink { return f.link }

// Frozen returns why nothing of the log is folded any more, "" if it is; and where it forked,
// nil if that is not the reason.
func (f *Follower) Frozen() (why string, fork *Fork) { return f.frozen, f.fork }

// Differs returns how what the seeds say of the log differs from the record; "" if it does not.
func (f *Follower) Differs() string {
	if f.differs == nil || f.frozen != "" {
		return ""
	}
	return fmt.Sprintf("the seeds say that the log has the hash %s at height %d, and this node's record has %s there: nothing is ordered from here until they agree; "+
		"if that lasts, compare `meshos mesh status` of several nodes, and take their log over with `meshos mesh adopt` where it differs",
		f.differs.Theirs, f.differs.Height, f.differs.Own)
}

// Take folds entries that the plugin brings. None of what they lead to may be done before they
// are on disk: see Unwritten. After an error the log is to be followed anew from the end of the
// record. Nothing is an error once the follower is frozen: what else the plugin says counts.
func (f *Follower) Take(entries []*meshosv1.LoggedEntry) error {
	for i, e := range entries {
		if f.frozen != "" {
			return nil
		}
		c, err := f.check(e)
		if err == nil {
			err = f.believable(e, c)
		} else if void, is := f.void(entries[i:], err); is {
			c, err = void, nil
		}
		if err != nil {
			if err := f.explain(e, err); err != nil {
				return err
			}
			continue
		}
		f.waiting = append(f.waiting, Taken{f.state.Fold(c), e.GetEntry(), c.Hash()})
		f.unwritten = append(f.unwritten, c.Record())
	}
	return nil
}

// believable returns why an entry that continues the log is not taken.
func (f *Follower) believable(e *meshosv1.LoggedEntry, c cluster.Checked) error {
	if live := f.link.GetQuorum() && f.link.GetBeacon() != nil; live && e.GetRefilled() && c.Height() > f.known {
		return fmt.Errorf("the entry at height %d says that it is filled up, and nobody had one of that height: its time is not believed", c.Height())
	}
	if f.founding != (cluster.Hash{}) && c.Height() == 1 && f.founding != c.Hash() {
		return fmt.Errorf("this is another mesh than the one of the token: it begins with %s, and the token says %s; is the address of the seeds right?", c.Hash(), f.founding)
	}
	return nil
}

// explain looks at an entry that was not folded. Without an error the record has it, or the
// follower is frozen.
func (f *Follower) explain(e *meshosv1.LoggedEntry, err error) error {
	var gap *cluster.GapError
	var fork *cluster.ForkError
	var newer *cluster.NewerError
	if place := e.GetHeight(); place != 0 && place <= f.state.Height() && f.keeps(place) && !errors.As(err, &gap) {
		if own, err := f.hashAt(place); err != nil || own == cluster.HashOf(e) {
			return err // void, as it was
		}
	}
	switch {
	case errors.As(err, &gap) && gap.Got <= gap.Have && !f.keeps(gap.Got):
		return nil // nobody knows any more what it was
	case errors.As(err, &gap) && gap.Got <= gap.Have:
		own, err := f.hashAt(gap.Got)
		if err != nil {
			return err
		}
		if theirs := cluster.HashOf(e); theirs != own {
			if err := f.state.Signed(e); err != nil {
				return err
			}
			f.forked(Fork{Height: gap.Got, Own: own, Theirs: theirs})
		}
		return nil
	case errors.As(err, &fork):
		f.forked(Fork{Height: fork.Height - 1, Own: fork.Have, Theirs: fork.Says})
		return nil
	case errors.As(err, &newer):
		f.freeze(err.Error())
		return nil
	}
	return err
}

// Unwritten returns the entries that are to be written to disk, and the height of the first.
func (f *Follower) Unwritten() (entries []*meshosv1.RecordedEntry, first uint64) {
	return f.unwritten, f.state.Height() - uint64(len(f.unwritten)) + 1
}

// Written says that what Unwritten returned is on disk, and returns what it led to: that may be
// done now, in order.
func (f *Follower) Written(entries int) []Taken {
	out := f.waiting[:entries:entries]
	f.waiting, f.unwritten = f.waiting[entries:], f.unwritten[entries:]
	return out
}

// Folded says that what an entry led to was done. Orders that waited for it end.
func (f *Follower) Folded(t Taken, record mesh.AuditRecord) {
	f.Said(t.Out.Place.Height)
	f.moved++
	for _, o := range f.orders {
		o.folded(t, record)
	}
}

// onDisk returns the height of the last entry that was written.
func (f *Follower) onDisk() uint64 { return f.state.Height() - uint64(len(f.unwritten)) }

// keeps reports whether the hash of an entry that was folded is still known.
func (f *Follower) keeps(height uint64) bool {
	return height >= f.first || height+1 == f.first && f.base != (cluster.Hash{})
}

// hashAt returns the hash of an entry that was folded.
func (f *Follower) hashAt(height uint64) (cluster.Hash, error) {
	if height == f.state.Height() {
		return f.state.Head(), nil
	}
	if onDisk := f.onDisk(); height > onDisk {
		return cluster.HashOf(f.unwritten[height-onDisk-1].GetLogged()), nil
	}
	if height+1 == f.first && f.base != (cluster.Hash{}) {
		return f.base, nil
	}
	e, err := f.read(height)
	if err != nil {
		return cluster.Hash{}, err
	}
	return cluster.HashOf(e), nil
}

// forked freezes the log, since the others have another one.
func (f *Follower) forked(at Fork) {
	if f.frozen != "" {
		return
	}
	f.fork = &at
	f.freeze(fmt.Sprintf("the log of the others differs from this node's record at height %d: here its hash is %s, there %s; "+
		"`meshos mesh adopt` says what each has, and takes theirs over", at.Height, at.Own, at.Theirs))
}

func (f *Follower) freeze(why string) {
	if f.frozen == "" {
		f.frozen = why
	}
}
