package meshlog

import "github.com/meshos/meshos/host/cluster/follower"

// The kinds of rejection of what can't be ordered now.
const (
	KindUnreachable = follower.KindUnreachable
	KindFrozen      = follower.KindFrozen
	KindBusy        = follower.KindBusy
	KindNoMember    = follower.KindNoMember
	KindOld         = "mesh_member_too_old" // a member's version does not know the order
)

// UnknownError means that an order was published, and that it is not known whether the log
// took it.
type UnknownError = follower.UnknownError
