package chains

import (
	"fmt"
	"strings"
)

// ElsewhereError says that another server leads the stream now: it goes on with what is under
// way, and is to be asked.
type ElsewhereError struct{ Stream, Leader string }

func (e *ElsewhereError) Error() string { return fmt.Sprintf("%s is led by %s", e.Stream, e.Leader) }

// LeaderlessError says that the stream has no leader. Nothing was asked, or it is not known
// what came of it.
type LeaderlessError struct{ Stream string }

func (e *LeaderlessError) Error() string {
	return fmt.Sprintf("%s has no leader: too few of its holders are there", e.Stream)
}

// BusyError says that another change of the stream is under way.
type BusyError struct {
	Stream  string
	Desired []string
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("another change of %s is under way, to %s", e.Stream, strings.Join(e.Desired, ", "))
}

// RefusedError says that the engine refused, or that what is asked for does not fit the stream.
type RefusedError struct {
	Stream string
	Code   int // the engine's; 0: it was not asked
	Reason string
}

func (e *RefusedError) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("%s: %s", e.Stream, e.Reason)
	}
	return fmt.Sprintf("%s: the engine refuses: %s (%d)", e.Stream, e.Reason, e.Code)
}

// CancelledError says that the change was taken back: the stream is as it was before.
type CancelledError struct{ Stream, Reason string }

func (e *CancelledError) Error() string {
	return fmt.Sprintf("the change of %s was cancelled: %s", e.Stream, e.Reason)
}

// AddedDeadError says that a target fell silent so late that the engine had made it a holder. It
// is to be swapped out at once.
type AddedDeadError struct{ Stream, Target string }

func (e *AddedDeadError) Error() string {
	return fmt.Sprintf("%s fell silent and holds %s all the same: it has to be swapped out", e.Target, e.Stream)
}
