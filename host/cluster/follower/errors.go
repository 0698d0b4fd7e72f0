package follower

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/operator/rules"
)

// The kinds of rejection of what can't be ordered now. Nothing was ordered, and nothing is
// tried again later.
const (
	KindUnreachable = "mesh_unreachable" // no quorum of the seeds is reached
	KindFrozen      = "mesh_log_frozen"  // this node folds nothing any more
	KindDiffers     = "mesh_log_differs" // the seeds say another end of the log than this node has
	KindRefused     = "mesh_refused"     // the log of the mesh does not take it, as one that is full
	KindBusy        = "mesh_busy"        // others were always first
	KindNoMember    = "mesh_not_joined"  // this node is no member yet, or not any more
)

// UnknownError means that an order was published, and that it is not known whether the log
// took it.
type UnknownError struct {
	CommitID []byte // empty for an unsigned one
	After    time.Duration
	Cause    error
}

// Error implements error.
func (e *UnknownError) Error() string {
	what := "look in the audit log whether it counts before you send it again"
	if len(e.CommitID) > 0 {
		what = fmt.Sprintf("`meshos audit wait %s` waits for it, and so does the same signed command, sent again", hex.EncodeToString(e.CommitID))
	}
	return fmt.Sprintf("it is not known whether the log of the mesh took the command: %s later it does not show it (%v); %s", e.After.Round(time.Second), e.Cause, what)
}

// OrderUnknown tells the error from others, for those who do not know this package.
func (e *UnknownError) OrderUnknown() {}

// Unwrap returns the cause.
func (e *UnknownError) Unwrap() error { return e.Cause }

func unreachable(why string) *rules.Rejection {
	return rules.Reject(KindUnreachable,
		"no quorum of the seeds is reached (%s): nothing was ordered, and nothing is tried again later; send it again when `meshos mesh status` says that the log takes entries, or sign it for this node alone with --here", why)
}

func refused(why string) *rules.Rejection {
	return rules.Reject(KindRefused, "the log of the mesh does not take it (%s): nothing was ordered", why)
}

func busy() *rules.Rejection {
	return rules.Reject(KindBusy, "for %s others were first to order something, or waited here to do so, or the log of the mesh is behind this node's record; nothing was ordered, send the command again", Within)
}
