package cluster

import (
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/meshos/meshos/host/operator/rules"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// KindInvalid is the kind of rejection of an entry that is none: it can't be read, or no member
// signed it.
const KindInvalid = "invalid_entry"

// Void returns an entry with the next place in the log that could not follow the state, as Check
// said: a *DamagedError or a *SignerError. It has a height and a hash, and folds into nothing;
// every node comes to that verdict from its bytes alone. That the log really has it, and it was
// not damaged on the way here, the caller has to know.
func (s *State) Void(logged *meshosv1.LoggedEntry, why error) (Checked, bool) {
	var damaged *DamagedError
	var signer *SignerError
	if s.height == 0 || !errors.As(why, &damaged) && !errors.As(why, &signer) {
		return Checked{}, false
	}
	return s.invalid(logged, why.Error()), true
}

func (s *State) invalid(logged *meshosv1.LoggedEntry, why string) Checked {
	e := entry{OrderedEntry: &meshosv1.OrderedEntry{Height: s.height + 1, At: timestamppb.New(s.at)}, logged: logged, logTime: s.at, hash: HashOf(logged)}
	return Checked{entry: e, verified: verified{wrong: rules.Reject(KindInvalid, "%s", why)}, invalid: true}
}

// Vouches returns what a member signed an entry to follow, if one signed it for this height.
func (s *State) Vouches(logged *meshosv1.LoggedEntry, height uint64) (prev Hash, signed bool) {
	e, err := decode(logged)
	var newer *NewerError
	if err != nil && !errors.As(err, &newer) || e.GetHeight() != height || s.checkNode(e) != nil {
		return Hash{}, false
	}
	copy(prev[:], e.GetPrev())
	return prev, true
}
