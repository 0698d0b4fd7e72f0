package follower

import (
	"errors"
	"fmt"

	"github.com/meshos/meshos/host/cluster"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// check checks an entry, and that its place is the one that was signed: an old entry at a new
// place is none.
func (f *Follower) check(e *meshosv1.LoggedEntry) (cluster.Checked, error) {
	c, err := f.state.Check(e)
	place, signed := e.GetHeight(), c.Height()
	var gap *cluster.GapError
	switch {
	case place == 0:
		return c, err
	case errors.As(err, &gap):
		signed = gap.Got
	case err != nil:
		return c, err
	}
	if place != signed {
		return c, &cluster.DamagedError{Height: place, Why: fmt.Sprintf("it was signed for height %d", signed)}
	}
	return c, err
}

// void returns the first of some entries as a void one, if it is not valid, has the next place,
// and the log really has it: the seeds say its hash, or a member ordered something behind it.
// Else it may have been damaged on the way here, and is read again.
func (f *Follower) void(entries []*meshosv1.LoggedEntry, why error) (cluster.Checked, bool) {
	c, is := f.state.Void(entries[0], why)
	if !is || f.placeOf(entries[0], why) != f.state.Height()+1 || !f.confirmed(entries) {
		return cluster.Checked{}, false
	}
	return c, true
}

// placeOf returns the height of an entry that is not valid; 0 if it is not known.
func (f *Follower) placeOf(e *meshosv1.LoggedEntry, why error) uint64 {
	var damaged *cluster.DamagedError
	var signer *cluster.SignerError
	switch {
	case e.GetHeight() != 0:
		return e.GetHeight()
	case errors.As(why, &damaged):
		return damaged.Height
	case errors.As(why, &signer):
		return signer.Height
	}
	return 0
}

// confirmed reports whether the log has the first of some entries, which is not valid. One
// behind it that is not valid either may be the one that is known.
func (f *Follower) confirmed(entries []*meshosv1.LoggedEntry) bool {
	beacon := f.link.GetBeacon()
	for i, e := range entries {
		height, hash := f.state.Height()+1+uint64(i), cluster.HashOf(e)
		if beacon.GetHeight() == height && string(beacon.GetHead()) == string(hash[:]) {
			return true
		}
		if i+1 == len(entries) {
			break
		}
		if prev, signed := f.state.Vouches(entries[i+1], height+1); signed {
			return prev == hash
		}
	}
	return false
}
